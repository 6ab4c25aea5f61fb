// Empties dist but for the console, whose own build knows when it has to be made anew.
import { existsSync, readdirSync, rmSync } from "node:fs";

if (existsSync("dist")) {
  for (const name of readdirSync("dist")) {
    if (name !== "console") rmSync(`dist/${name}`, { recursive: true, force: true });
  }
}
