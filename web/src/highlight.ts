/** Colours for code that need no grammar: words, names, remarks. Unknown languages get strings, numbers and remarks alike. */
export interface Piece {
  readonly kind: 'word' | 'name' | 'remark' | 'plain'
  readonly text: string
}

const keywords = new Set(
  (
    'abstract as async await bool break case catch char class const continue def default defer delete do double elif else enum ' +
    'except export extends extern false False final finally float fn for from func function go if impl import in int ' +
    'interface is lambda let loop match mod module mut new nil None not null or and package pass private protected pub ' +
    'public raise return self static string struct super switch this throw throws trait true True try type typeof union ' +
    'unsafe use using var void where while with yield select SELECT FROM WHERE INSERT INTO UPDATE SET DELETE CREATE TABLE ' +
    'JOIN ON AS AND OR NOT NULL ORDER BY GROUP LIMIT then fi done esac echo'
  ).split(' '),
)
/** A name that follows one of these is being defined. */
const definers = new Set(['def', 'function', 'fn', 'func', 'class', 'struct', 'interface', 'trait', 'enum', 'type'])

const hashRemarks = /^(?:py|python|rb|ruby|sh|bash|zsh|shell|yaml|yml|toml|r|perl|make|makefile|dockerfile|)$/i
const dashRemarks = /^(?:sql|lua|haskell|hs)$/i
/** Markup and plain words would only be spotted with colour at random. */
const uncoloured = /^(?:text|txt|plain|md|markdown|html|xml|svg|diff|console|output)$/i

const token =
  /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|#[^\n]*|--[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\.|[^`\\])*`?|\b\d[\w.]*|[A-Za-z_$][\w$]*/g

export function highlight(code: string, language: string): Piece[] {
  if (uncoloured.test(language)) return [{ kind: 'plain', text: code }]
  const pieces: Piece[] = []
  const push = (kind: Piece['kind'], text: string) => {
    const last = pieces.at(-1)
    if (last?.kind === kind) pieces[pieces.length - 1] = { kind, text: last.text + text }
    else if (text !== '') pieces.push({ kind, text })
  }
  let at = 0
  let defining = false
  token.lastIndex = 0
  for (let found = token.exec(code); found; found = token.exec(code)) {
    push('plain', code.slice(at, found.index))
    let text = found[0]
    const kind = kindOf(text, language, defining)
    // What only looked like a remark is punctuation: go on right behind it.
    if (kind === 'plain' && /^(?:#|--|\/\/)/.test(text)) {
      text = text.startsWith('#') ? '#' : text.slice(0, 2)
      token.lastIndex = found.index + text.length
    }
    push(kind, text)
    defining = definers.has(text)
    at = token.lastIndex
  }
  push('plain', code.slice(at))
  return pieces
}

function kindOf(text: string, language: string, defining: boolean): Piece['kind'] {
  if (text.startsWith('#')) return hashRemarks.test(language) ? 'remark' : 'plain'
  if (text.startsWith('--')) return dashRemarks.test(language) ? 'remark' : 'plain'
  if (text.startsWith('//')) return hashRemarks.test(language) && language !== '' ? 'plain' : 'remark'
  if (text.startsWith('/*')) return 'remark'
  if (/^["'`\d]/.test(text)) return 'word'
  if (keywords.has(text)) return 'word'
  return defining ? 'name' : 'plain'
}
