// In the chunk of the parser; what draws formulas (KaTeX) loads with the first one.
import type { TokenizerAndRendererExtension } from 'marked'

type Katex = (typeof import('katex'))['default']
let katex: Katex | null = null

export async function loadMath(): Promise<void> {
  katex ??= (await import('katex')).default
}

/** MathML, which web views draw by themselves and screen readers speak: no fonts and no styles come along. */
export const mathTags = (
  'math semantics annotation mrow mi mn mo ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover ' +
  'mtable mtr mtd mstyle mpadded mphantom menclose'
).split(' ')

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

function drawn(tex: string, displayMode: boolean): string | null {
  try {
    const html = katex?.renderToString(tex, {
      displayMode,
      output: 'mathml',
      throwOnError: true,
      trust: false,
      maxExpand: 200,
    })
    return html?.replace(/^<span class="katex">|<\/span>$/g, '') ?? null
  } catch {
    return null // Not TeX after all, or not all of it is here yet.
  }
}

const extension = (
  name: string,
  level: 'block' | 'inline',
  begin: RegExp,
  whole: RegExp,
): TokenizerAndRendererExtension => ({
  name,
  level,
  start: (source) => begin.exec(source)?.index,
  tokenizer(source) {
    const found = whole.exec(source)
    return found ? { type: name, raw: found[0], text: (found[1] ?? found[2] ?? '').trim() } : undefined
  },
  renderer({ raw, text }) {
    const math = drawn(String(text), level === 'block')
    if (level === 'block') return math === null ? `<pre><code>${escaped(raw.trim())}</code></pre>` : `<p>${math}</p>`
    return math ?? `<code>${escaped(raw)}</code>`
  },
})

/** As models write it: `$$…$$` and `\[…\]` stand alone, `$…$` and `\(…\)` in a line. Amounts of money are none. */
export const mathExtensions: TokenizerAndRendererExtension[] = [
  extension('mathBlock', 'block', /\$\$|\\\[/, /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/),
  extension('mathInline', 'inline', /\$|\\\(/, /^(?:\$\$?([^\s$](?:[^$\n]*?[^\s$\\])?)\$\$?(?!\d)|\\\(([\s\S]+?)\\\))/),
]
