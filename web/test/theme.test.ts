import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contrast, hexColour, luminance, MIDDLE, readable } from '../src/colour.ts'
import { applyTheme, type Theme, themeOf } from '../src/theme.ts'

const colour = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`)
const params = fc.record(
  {
    bg_color: colour,
    secondary_bg_color: colour,
    section_bg_color: colour,
    text_color: colour,
    hint_color: colour,
    button_color: colour,
    button_text_color: colour,
    accent_text_color: colour,
    destructive_text_color: colour,
  },
  { requiredKeys: [] },
)

function expectReadable({ tokens }: Theme): void {
  for (const ground of [tokens.ground, tokens.page, tokens.card, tokens.field, tokens.bubble]) {
    for (const name of ['text', 'hint', 'accent', 'danger', 'silk'] as const) {
      expect(contrast(tokens[name], ground), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5)
    }
    expect(contrast(tokens['silk-mark'], ground)).toBeGreaterThanOrEqual(3)
  }
  expect(contrast(tokens.fill, tokens['on-accent'])).toBeGreaterThanOrEqual(4.5)
}

describe('the theme', () => {
  test('reads in Telegram’s own palettes, which do not', () => {
    expectReadable(themeOf({}, false))
    expectReadable(themeOf({}, true))
    expect(contrast('#8e8e93', '#ffffff')).toBeLessThan(4.5)
  })

  test('equals the mock in both', () => {
    expect(themeOf({}, false).tokens).toMatchObject({
      hint: '#6c6c71',
      accent: '#0065e8',
      fill: '#0070f4',
      silk: '#985e00',
    })
    expect(themeOf({}, true).tokens).toMatchObject({
      hint: '#a0aebd',
      accent: '#64b5ef',
      fill: '#1c7cbc',
      silk: '#ecc27a',
    })
  })

  // oxlint-disable-next-line vitest/expect-expect -- expectReadable expects
  test('reads in any theme whose ground is not mid-grey', () => {
    fc.assert(
      fc.property(params, fc.boolean(), (given, dark) => {
        const ground = given.bg_color === undefined ? 1 : luminance(given.bg_color)
        // Between these no colour but black or white reads, and tints of the ground push even those out.
        fc.pre(ground < 0.1 || ground > 0.33)
        const surfaces = [given.secondary_bg_color, given.section_bg_color].filter((one) => one !== undefined)
        fc.pre(surfaces.every((one) => luminance(one) < 0.1 || luminance(one) > 0.33))
        expectReadable(themeOf(given, dark))
      }),
      { numRuns: 300 },
    )
  })

  test('is dark or light by its ground, whatever the system prefers', () => {
    expect(themeOf({ bg_color: '#101010' }, false).dark).toBe(true)
    expect(themeOf({ bg_color: '#fafafa' }, true).dark).toBe(false)
    expect(themeOf({}, true).dark).toBe(true)
  })

  test('takes no text for a colour that is none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { tokens } = themeOf({ bg_color: text, hint_color: `${text};}` }, false)
        for (const value of Object.values(tokens)) expect(value).toMatch(/^#[\da-f]{6}$/)
      }),
    )
    expect(hexColour('#ABC')).toBe('#aabbcc')
    expect(hexColour('red')).toBeNull()
  })

  test('is put on the page as variables', () => {
    const root = document.createElement('div')
    applyTheme(themeOf({}, true), root)
    expect(root.dataset['theme']).toBe('dark')
    expect(root.style.getPropertyValue('--ground')).toBe('#1d2733')
  })
})

describe('readable', () => {
  test('leaves alone what reads, and moves what does not as little as it can', () => {
    fc.assert(
      fc.property(colour, colour, (one, ground) => {
        const result = readable(one, [ground])
        if (contrast(one, ground) >= 4.5) expect(result).toBe(one)
        else expect(contrast(result, ground)).toBeGreaterThanOrEqual(4.5)
      }),
    )
  })

  test('finds a colour for several grounds on one side of the middle', () => {
    const light = colour.filter((one) => luminance(one) > MIDDLE + 0.01)
    fc.assert(
      fc.property(colour, fc.array(light, { minLength: 1, maxLength: 4 }), (one, grounds) => {
        const result = readable(one, grounds)
        for (const ground of grounds) expect(contrast(result, ground)).toBeGreaterThanOrEqual(4.5)
      }),
    )
  })
})
