import { useEffect, useLayoutEffect, useState } from "react";

import { keepThemeInAddress, themeInAddress } from "./address";
import type { Theme } from "./address";

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const systemTheme = (): Theme => (systemDark.matches ? "dark" : "light");

/** The theme in force, and a function that changes to the other. Follows the system until it is called. */
export function useTheme(): [Theme, () => void] {
  const [chosen, setChosen] = useState(themeInAddress);
  const [system, setSystem] = useState(systemTheme);
  const theme = chosen ?? system;

  useEffect(() => {
    const follow = () => setSystem(systemTheme());
    systemDark.addEventListener("change", follow);
    return () => systemDark.removeEventListener("change", follow);
  }, []);

  // Before the first paint: no flash of the other theme.
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);

  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    setChosen(other);
    keepThemeInAddress(other);
  };
  return [theme, toggle];
}
