import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const petrol: MantineColorsTuple = [
  "#e9f5f8", "#d3e9ef", "#a6d3df", "#74cbe1", "#56b4cd", "#3798b2", "#1f7c96", "#12657d", "#0b5468", "#073f4f",
];
/** Mantine draws dark menus and fields from these; its own are bluish beside the paper's warmth. */
const warm: MantineColorsTuple = [
  "#efece5", "#bfb9ad", "#a19a8d", "#7b756a", "#45413a", "#302d28", "#24221e", "#1a1916", "#151411", "#0f0e0c",
];

export const theme = createTheme({
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--mono)",
  headings: { fontFamily: "var(--font)", fontWeight: "620" },
  colors: { petrol, dark: warm },
  primaryColor: "petrol",
  primaryShade: { light: 8, dark: 3 },
  autoContrast: true,
  luminanceThreshold: 0.3,
  defaultRadius: 6,
  cursorType: "pointer",
  respectReducedMotion: true,
  // By name alone: naming the components themselves would pull all of them into the first chunk.
  components: {
    Badge: { defaultProps: { tt: "none", radius: "sm" } },
    Button: { defaultProps: { size: "sm" } },
    Modal: { defaultProps: { centered: true, radius: 10, padding: "lg", transitionProps: { duration: 120 } } },
    Tooltip: { defaultProps: { openDelay: 250, events: { hover: true, focus: true, touch: true } } },
  },
});

/** Mantine's own surfaces and greys, taken from the tokens: its dimmed grey alone does not reach AA. */
export const cssVariables: CSSVariablesResolver = () => {
  const both = {
    "--mantine-color-body": "var(--surface)",
    "--mantine-color-text": "var(--ink)",
    "--mantine-color-dimmed": "var(--ink-3)",
    "--mantine-color-placeholder": "var(--ink-3)",
    "--mantine-color-error": "var(--bad)",
    "--mantine-color-anchor": "var(--accent)",
    "--mantine-color-default": "var(--surface)",
    "--mantine-color-default-hover": "var(--inset)",
    "--mantine-color-default-color": "var(--ink)",
    "--mantine-color-default-border": "var(--line-control)",
  };
  return { variables: {}, light: both, dark: both };
};
