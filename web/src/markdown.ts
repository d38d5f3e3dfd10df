// In a chunk of its own: the parser and the sanitiser load while the first question is written.
import createPurify from 'dompurify'
import { Marked, type Token, type Tokens } from 'marked'
import { mathExtensions, mathTags } from './math.ts'

/** One block of an answer. `raw` is its source: a block whose source did not change is not drawn again. */
export type Block =
  | { readonly kind: 'html'; readonly raw: string; readonly html: string }
  | { readonly kind: 'code'; readonly raw: string; readonly language: string; readonly code: string }

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** HTML that models write between words. Any other tag in an answer is text that a person should see. */
const plainTag = /^<\/?(?:br|sub|sup|kbd|u|mark)\s*\/?>$/i

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ raw }: Tokens.HTML | Tokens.Tag) => (plainTag.test(raw.trim()) ? raw : escaped(raw)),
    // Loading an image would tell its host who reads what: its words stay.
    image: ({ text }: Tokens.Image) => escaped(text),
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? '☑ ' : '☐ '),
  },
  extensions: mathExtensions,
})

const purify = createPurify(window)
purify.addHook('afterSanitizeAttributes', (element) => {
  if (element.nodeName !== 'A') return
  element.setAttribute('target', '_blank')
  element.setAttribute('rel', 'noopener noreferrer nofollow')
})
const tags =
  'p br hr strong em del u mark sub sup kbd code pre blockquote h1 h2 h3 h4 h5 h6 ul ol li a table thead tbody tr th td'
const allowed = {
  ALLOWED_TAGS: [...tags.split(' '), ...mathTags],
  ALLOWED_ATTR: ['href', 'title', 'start', 'align', 'display', 'mathvariant', 'stretchy', 'columnalign', 'encoding'],
  // The rule for addresses below would otherwise be asked of these too.
  ADD_URI_SAFE_ATTR: ['title', 'start', 'align', 'display', 'mathvariant', 'stretchy', 'columnalign', 'encoding'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  // Only addresses that say where they lead.
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:|tel:|tg:\/\/|ton:\/\/)/i,
}

export function blocksOf(source: string, streaming = false): Block[] {
  return lexed(streaming ? mended(source) : source).flatMap(({ token }) => blockOf(token) ?? [])
}

interface Placed {
  readonly token: Token
  /** Where it begins in the source. */
  readonly start: number
}

function lexed(source: string, from = 0): Placed[] {
  let start = from
  return marked.lexer(source).map((token) => {
    const placed = { token, start }
    start += token.raw.length
    return placed
  })
}

/** What comes next may still join so many of the last blocks together. */
const UNSETTLED = 4

/** Reads one answer as it grows: what is settled is not read again, so that a word costs as much late as early. */
export class GrowingText {
  #source = ''
  #settled: Block[] = []
  /** Where what is not settled begins. */
  #at = 0
  /** What was read last, by its source: most of it is the same a word later. */
  #recent = new Map<string, Block | null>()

  blocks(source: string, streaming: boolean): Block[] {
    // Carriage returns are dropped by the lexer: places would no longer fit.
    if (!streaming || source.includes('\r')) return blocksOf(source, streaming)
    if (!source.startsWith(this.#source)) [this.#settled, this.#at] = [[], 0]
    this.#source = source
    const tokens = lexed(source.slice(this.#at), this.#at)
    const first = tokens.at(-UNSETTLED)
    if (first && first.start > this.#at) {
      const settled = tokens.slice(0, -UNSETTLED)
      this.#settled = [...this.#settled, ...settled.flatMap(({ token }) => this.#block(token) ?? [])]
      this.#at = first.start
    }
    const open = lexed(mended(source.slice(this.#at))).map(({ token }) => [token.raw, this.#block(token)] as const)
    this.#recent = new Map(open)
    return [...this.#settled, ...open.flatMap(([, block]) => block ?? [])]
  }

  #block(token: Token): Block | null {
    const known = this.#recent.get(token.raw)
    return known === undefined ? blockOf(token) : known
  }
}

/** Null for what is not seen. */
function blockOf(token: Token): Block | null {
  if (token.type === 'space' || token.type === 'def') return null
  if (token.type === 'code') {
    const { raw, text, lang } = token as Tokens.Code
    return { kind: 'code', raw, code: text, language: (lang ?? '').trim().split(/\s/)[0] ?? '' }
  }
  return { kind: 'html', raw: token.raw, html: purify.sanitize(marked.parser([token]), allowed) }
}

/** While words still arrive, closes what is open at the very end, so that marks do not flicker between text and style. */
export function mended(source: string): string {
  if (((source.match(/^ {0,3}(?:```|~~~)/gm) ?? []).length & 1) === 1) return source
  const start = source.lastIndexOf('\n\n') + 1
  // A lone rule under a line would make it a heading until the list it begins is there.
  let tail = source.slice(start).replace(/\n[ \t]*(?:-{1,2}|=+|\*{1,2}|\+|\d+[.)]?)[ \t]*$/, '')
  tail = tail.replace(/!?\[([^\]\n]*)(?:\]\([^)\n]*)?$/, '$1')
  if (((tail.match(/`/g) ?? []).length & 1) === 1) return source.slice(0, start) + closed(tail, '`')
  const words = tail.replace(/`[^`]*`/g, '')
  if (((words.match(/\*\*/g) ?? []).length & 1) === 1) tail = closed(tail, '**')
  return source.slice(0, start) + tail
}

function closed(text: string, mark: string): string {
  const trimmed = text.trimEnd()
  return trimmed.endsWith(mark) ? trimmed.slice(0, -mark.length) : trimmed + mark
}
