/** One `key = value` of a file. Every value is text, as a flag's would be: a list is JSON, a truth is `on` or `off`. */
export interface TomlEntry {
  readonly key: string
  readonly value: string
  /** From 1. */
  readonly line: number
}

export interface TomlFile {
  readonly entries: readonly TomlEntry[]
  /** One list a `[[name]]`, in their order. */
  readonly tables: readonly { readonly name: string; readonly line: number; readonly entries: readonly TomlEntry[] }[]
}

/** What is wrong, and in which line. */
export class TomlError extends Error {
  override readonly name = 'TomlError'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/**
 * Reads as much of TOML as a flat configuration needs: keys, texts, numbers, truths, lists of texts, `[[tables]]` and
 * comments. The rest of the language is refused by name instead of being read as something else.
 *
 * @throws TomlError
 */
export function readToml(text: string): TomlFile {
  const entries: TomlEntry[] = []
  const tables: { name: string; line: number; entries: TomlEntry[] }[] = []
  let into = entries
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    const code = withoutComment(lines[at] ?? '', line).trim()
    if (code === '') continue
    const table = /^\[\[\s*([\w-]+)\s*\]\]$/.exec(code)
    if (table?.[1] !== undefined) {
      into = []
      tables.push({ name: table[1], line, entries: into })
      continue
    }
    if (code.startsWith('[')) {
      throw new TomlError(
        line,
        'only [[tables]] are known here: a setting stands in a line of its own, as name = value',
      )
    }
    const found = /^([\w-]+|"[^"\\]*")\s*=\s*(.*)$/.exec(code)
    if (!found) throw new TomlError(line, 'a setting stands as name = value')
    const key = (found[1] ?? '').replaceAll('"', '')
    let value = found[2] ?? ''
    // A list may go on over several lines.
    while (value.startsWith('[') && !closes(value) && at + 1 < lines.length) {
      at++
      value += ` ${withoutComment(lines[at] ?? '', at + 1).trim()}`
    }
    if (into.some((entry) => entry.key === key)) throw new TomlError(line, `${key} stands here twice`)
    into.push({ key, value: readValue(value, line), line })
  }
  return { entries, tables }
}

/** Only a `#` outside of texts begins a comment. */
function withoutComment(text: string, line: number): string {
  let quote: string | undefined
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (quote !== undefined) {
      if (character === '\\' && quote === '"') i++
      else if (character === quote) quote = undefined
    } else if (character === '"' || character === "'") {
      if (text.startsWith(character.repeat(3), i))
        throw new TomlError(line, 'texts over several lines are not known here')
      quote = character
    } else if (character === '#') return text.slice(0, i)
  }
  if (quote !== undefined) throw new TomlError(line, `a text that begins with ${quote} and does not end`)
  return text
}

function closes(value: string): boolean {
  return value.replaceAll(/"(\\.|[^"\\])*"|'[^']*'/g, '').endsWith(']')
}

function readValue(value: string, line: number): string {
  if (value === 'true') return 'on'
  if (value === 'false') return 'off'
  const text = readText(value)
  if (text !== undefined) return text
  if (/^[+-]?(0|[1-9](_?\d)*)(\.\d(_?\d)*)?$/.test(value)) return value.replaceAll('_', '').replace('+', '')
  if (value.startsWith('[') && value.endsWith(']')) return JSON.stringify(readList(value.slice(1, -1), line))
  if (value === '') throw new TomlError(line, 'nothing stands behind the =')
  throw new TomlError(line, 'a value is "text", a number, true, false, or a ["list", "of texts"]')
}

/** A text in either kind of quotes; undefined for anything else. */
function readText(value: string): string | undefined {
  if (/^'[^']*'$/.test(value)) return value.slice(1, -1)
  if (!/^"(\\.|[^"\\])*"$/.test(value)) return undefined
  try {
    // TOML's escapes are JSON's, but for two that nobody needs here.
    const text: unknown = JSON.parse(value.replaceAll('\t', '\\t'))
    return typeof text === 'string' ? text : undefined
  } catch {
    return undefined
  }
}

function readList(inside: string, line: number): string[] {
  const items = inside.match(/"(\\.|[^"\\])*"|'[^']*'|[^,\s]+/g) ?? []
  const rest = inside.replaceAll(/"(\\.|[^"\\])*"|'[^']*'|[^,\s]+/g, 'x').replaceAll(/\s/g, '')
  if (!/^(x(,x)*,?)?$/.test(rest)) throw new TomlError(line, 'the items of a list stand between commas')
  return items.map((item) => {
    const text = readText(item)
    if (text === undefined) throw new TomlError(line, 'a list holds "texts"')
    return text
  })
}
