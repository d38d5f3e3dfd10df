// In a chunk of its own: the parser and the sanitiser load while the first question is written.
import createPurify from 'dompurify'
import { Marked, type Token, type Tokens } from 'marked'

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
  ALLOWED_TAGS: tags.split(' '),
  ALLOWED_ATTR: ['href', 'title', 'start', 'align'],
  // The rule for addresses below would otherwise be asked of these too.
  ADD_URI_SAFE_ATTR: ['title', 'start', 'align'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  // Only addresses that say where they lead.
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:|tel:|tg:\/\/|ton:\/\/)/i,
}

export function blocksOf(source: string, streaming = false): Block[] {
  return marked
    .lexer(streaming ? mended(source) : source)
    .filter((token) => token.type !== 'space' && token.type !== 'def')
    .map(blockOf)
}

function blockOf(token: Token): Block {
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
