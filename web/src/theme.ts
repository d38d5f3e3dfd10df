import { contrast, hexColour, isDark, mix, readable } from './colour.ts'

/** Telegram's theme parameters; any may be missing, none is trusted to be a colour. */
export type ThemeParams = Readonly<Partial<Record<string, unknown>>>

/** The parameters that we use, without their `_color`. */
interface Stock {
  readonly bg: string
  readonly secondary_bg: string
  readonly section_bg: string
  readonly text: string
  readonly hint: string
  readonly button: string
  readonly button_text: string
  readonly accent_text: string
  readonly destructive_text: string
}

/** Telegram's own: iOS Day and Android Night. */
const day: Stock = {
  bg: '#ffffff',
  secondary_bg: '#efeff4',
  section_bg: '#ffffff',
  text: '#000000',
  hint: '#8e8e93',
  button: '#007aff',
  button_text: '#ffffff',
  accent_text: '#007aff',
  destructive_text: '#ff3b30',
}
const night: Stock = {
  bg: '#1d2733',
  secondary_bg: '#151e27',
  section_bg: '#1d2733',
  text: '#ffffff',
  hint: '#7d8b99',
  button: '#50a8eb',
  button_text: '#ffffff',
  accent_text: '#64b5ef',
  destructive_text: '#ee686f',
}

/** Our colours; the names of the CSS variables without their dashes. */
interface Tokens {
  readonly ground: string
  readonly page: string
  readonly card: string
  readonly field: string
  readonly bubble: string
  readonly text: string
  readonly hint: string
  readonly accent: string
  readonly fill: string
  readonly 'on-accent': string
  readonly danger: string
  readonly silk: string
  readonly 'silk-mark': string
  readonly 'silk-soft': string
}
export interface Theme {
  readonly dark: boolean
  readonly tokens: Tokens
}

/** What Telegram gives, made readable: lightness moves, nothing else. */
export function themeOf(params: ThemeParams, prefersDark: boolean): Theme {
  const ground = hexColour(params['bg_color']) ?? (prefersDark ? night : day).bg
  const dark = isDark(ground)
  const stock = dark ? night : day
  const given = (name: keyof Stock) => hexColour(params[`${name}_color`]) ?? stock[name]
  // A surface on the other side of the middle could not carry the same text: stay with the ground.
  const surface = (name: keyof Stock) => (isDark(given(name)) === dark ? given(name) : ground)
  const page = surface('secondary_bg')
  const card = surface('section_bg')
  const text = readable(given('text'), [ground, page, card], 7)

  const field = tinted(card, text, dark ? 0.08 : 0.055, text)
  const bubble = tinted(ground, given('accent_text'), dark ? 0.2 : 0.11, text)
  const silkStock = dark ? '#ecc27a' : '#b5791c'
  const silkSoft = tinted(card, dark ? silkStock : '#e0a53e', dark ? 0.11 : 0.13, text)
  const grounds = [ground, page, card, field, bubble]
  const onAccent = given('button_text')
  return {
    dark,
    tokens: {
      ground,
      page,
      card,
      field,
      bubble,
      text,
      hint: readable(given('hint'), grounds),
      accent: readable(given('accent_text'), grounds),
      fill: readable(given('button'), [onAccent]),
      'on-accent': onAccent,
      danger: readable(given('destructive_text'), grounds),
      silk: readable(silkStock, [...grounds, silkSoft]),
      'silk-mark': readable(silkStock, [...grounds, silkSoft], 3),
      'silk-soft': silkSoft,
    },
  }
}

/** A tint of a ground that leaves its text at ease: the share falls until it does. */
function tinted(ground: string, colour: string, share: number, text: string): string {
  for (let part = share; part > 0.01; part -= 0.01) {
    const result = mix(ground, colour, part)
    if (contrast(text, result) >= 6 && isDark(result) === isDark(ground)) return result
  }
  return ground
}

export function applyTheme({ dark, tokens }: Theme, root: HTMLElement = document.documentElement): void {
  root.dataset['theme'] = dark ? 'dark' : 'light'
  for (const [name, colour] of Object.entries(tokens)) root.style.setProperty(`--${name}`, colour)
}
