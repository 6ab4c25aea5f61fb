/** The product's look: Fluent's tokens over a ramp of PostgreSQL's blue, light and dark. */
import { type BrandVariants, createDarkTheme, createLightTheme, type Theme } from "@fluentui/react-components";
import { useEffect, useSyncExternalStore } from "react";

const brand: BrandVariants = {
  10: "#030a10",
  20: "#0c1e2c",
  30: "#0f3049",
  40: "#123d5e",
  50: "#174a70",
  60: "#1d5780",
  70: "#246490",
  80: "#2d719f",
  90: "#4380ac",
  100: "#5a8fb8",
  110: "#719fc4",
  120: "#88afd0",
  130: "#9fbfdb",
  140: "#b6cfe5",
  150: "#cddff0",
  160: "#e4effa",
};

const fonts = {
  fontFamilyBase: '"Inter Variable", "Segoe UI", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
};

const light: Theme = {
  ...createLightTheme(brand),
  ...fonts,
  colorNeutralForeground3: "#575757",
  colorNeutralForeground4: "#636363",
  // Fluent's own is too pale for text.
  colorPaletteMarigoldForeground1: "#8f5f00",
};
const dark: Theme = {
  ...createDarkTheme(brand),
  ...fonts,
  colorBrandForeground1: brand[120],
  colorBrandForeground2: brand[130],
  colorBrandForegroundLink: brand[120],
  colorBrandForegroundLinkHover: brand[140],
  colorCompoundBrandForeground1: brand[120],
  colorCompoundBrandStroke: brand[110],
};

export type ThemeChoice = "system" | "light" | "dark";

const storageKey = "theme";
const listeners = new Set<() => void>();

function readChoice(): ThemeChoice {
  const stored = localStorage.getItem(storageKey);
  return stored === "light" || stored === "dark" ? stored : "system";
}

/** Keeps the choice for this browser; "system" forgets it. */
export function chooseTheme(choice: ThemeChoice): void {
  if (choice === "system") localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, choice);
  for (const listener of listeners) listener();
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  prefersDark.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    prefersDark.removeEventListener("change", listener);
  };
}

/** The theme as chosen, or as the system prefers. */
export function useTheme(): { choice: ThemeChoice; dark: boolean; theme: Theme } {
  const choice = useSyncExternalStore(subscribe, readChoice);
  const systemDark = useSyncExternalStore(subscribe, () => prefersDark.matches);
  const isDark = choice === "system" ? systemDark : choice === "dark";
  useEffect(() => {
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    document.body.style.background = isDark ? "#141414" : "#fafafa";
  }, [isDark]);
  return { choice, dark: isDark, theme: isDark ? dark : light };
}
