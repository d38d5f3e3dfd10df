import { CopyButton } from './copy.tsx'
import { highlight } from './highlight.ts'
import { words } from './words/words.ts'

/** Languages whose names are not their identifiers with a capital letter. */
const names: Readonly<Record<string, string>> = {
  js: 'JavaScript',
  javascript: 'JavaScript',
  jsx: 'JSX',
  ts: 'TypeScript',
  typescript: 'TypeScript',
  tsx: 'TSX',
  py: 'Python',
  rb: 'Ruby',
  rs: 'Rust',
  sh: 'Shell',
  bash: 'Bash',
  zsh: 'Shell',
  cpp: 'C++',
  'c++': 'C++',
  cs: 'C#',
  csharp: 'C#',
  html: 'HTML',
  css: 'CSS',
  json: 'JSON',
  yaml: 'YAML',
  yml: 'YAML',
  sql: 'SQL',
  xml: 'XML',
  php: 'PHP',
  kt: 'Kotlin',
  md: 'Markdown',
  toml: 'TOML',
  text: 'Text',
  txt: 'Text',
  tolk: 'Tolk',
}

function nameOf(language: string): string {
  if (language === '') return words.answer.code
  return names[language.toLowerCase()] ?? language.charAt(0).toUpperCase() + language.slice(1)
}

export function Listing({ language, code }: { readonly language: string; readonly code: string }) {
  return (
    <figure className="listing">
      <header>
        <span>{nameOf(language)}</span>
        <CopyButton text={code} label={words.answer.copyCode} />
      </header>
      {/* Focusable, so that the keyboard can scroll it. */}
      <pre tabIndex={0} dir="ltr">
        <code>
          {highlight(code, language).map((piece, index) =>
            piece.kind === 'plain' ? (
              piece.text
            ) : (
              <span key={index} className={piece.kind}>
                {piece.text}
              </span>
            ),
          )}
        </code>
      </pre>
    </figure>
  )
}
