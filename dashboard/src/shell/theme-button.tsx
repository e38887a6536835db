/** Chooses between light, dark, and what the system says. */
import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../ui/button";
import { chooseTheme, chosenTheme, type Theme } from "./theme";

const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: Monitor, light: Sun, dark: Moon };

export function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme);
  const Icon = ICONS[theme];
  const onClick = () => {
    chooseTheme(NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  return (
    <IconButton label={`Theme: ${theme}. Change to ${NEXT[theme]}`} onClick={onClick}>
      <Icon size={16} aria-hidden />
    </IconButton>
  );
}
