import "./page.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";

const container = document.getElementById("console");
if (container === null) throw new Error("The page has no element #console.");
createRoot(container).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
