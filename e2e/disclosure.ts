import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every form in which a text may stand somewhere without being sealed. */
export function formsOf(text: string): Map<string, Buffer> {
  const bytes = Buffer.from(text)
  const forms = new Map<string, Buffer>([
    ['plain', bytes],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['upper-case hex', Buffer.from(bytes.toString('hex').toUpperCase())],
    ['UTF-16', Buffer.from(text, 'utf16le')],
  ])
  for (const alignment of [0, 1, 2]) {
    // The characters that depend on a neighbour are cut off: what is left stands in any text that encodes this one.
    const encoded = Buffer.concat([Buffer.alloc(alignment), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const inside = encoded.slice(alignment === 0 ? 0 : alignment + 1, -2)
    forms.set(`base64 at ${alignment}`, Buffer.from(inside))
    forms.set(`base64url at ${alignment}`, Buffer.from(inside.replaceAll('+', '-').replaceAll('/', '_')))
  }
  return forms
}

export interface Disclosure {
  readonly where: string
  readonly form: string
}

/** Where and in which form any of the texts stands. */
export function disclosures(texts: readonly string[], haystacks: ReadonlyMap<string, Buffer>): Disclosure[] {
  const found: Disclosure[] = []
  for (const text of texts) {
    for (const [form, needle] of formsOf(text)) {
      for (const [where, haystack] of haystacks) if (haystack.includes(needle)) found.push({ where, form })
    }
  }
  return found
}

/** Every file below a folder. */
export function filesBelow(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name))]),
  )
}
