/** One small lie in the source. */
export interface Mutant {
  readonly file: string
  readonly line: number
  readonly what: string
  /** The whole file with the lie in it. */
  readonly source: string
}

interface Rule {
  readonly pattern: RegExp
  readonly replacements: readonly string[]
}

/** Comparisons, each made a little wrong and wholly wrong; logic; bounds; sums; modes of sending. */
const rules: readonly Rule[] = [
  { pattern: / == /g, replacements: [' != '] },
  { pattern: / != /g, replacements: [' == '] },
  { pattern: / < /g, replacements: [' <= ', ' >= '] },
  { pattern: / <= /g, replacements: [' < ', ' > '] },
  { pattern: / > /g, replacements: [' >= ', ' <= '] },
  { pattern: / >= /g, replacements: [' > ', ' < '] },
  { pattern: / && /g, replacements: [' || '] },
  { pattern: / \|\| /g, replacements: [' && '] },
  { pattern: / & /g, replacements: [' | '] },
  { pattern: /\((!)/g, replacements: ['('] },
  { pattern: /\bmin\(/g, replacements: ['max('] },
  { pattern: /\bmax\(/g, replacements: ['min('] },
  { pattern: / \+ /g, replacements: [' - '] },
  { pattern: / - /g, replacements: [' + '] },
  { pattern: / \+= /g, replacements: [' -= '] },
  { pattern: / -= /g, replacements: [' += '] },
  { pattern: /true/g, replacements: ['false'] },
  { pattern: /false/g, replacements: ['true'] },
  { pattern: / \| (SEND|RESERVE)_MODE_\w+/g, replacements: [''] },
]

/** Statements that may be left out, and what they are called. */
const statements = /^\s*(?:[\w.]+ [-+]?= .+;|[\w.]+\.\w+\(.*\);|\w+\(.*\);)\s*$/

/** Every mutant of one file. Comments, imports and declarations are left alone. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const lines = source.split('\n')
  const mutants: Mutant[] = []
  const add = (index: number, what: string, changed: string): void => {
    const copy = [...lines]
    copy[index] = changed
    mutants.push({ file, line: index + 1, what, source: copy.join('\n') })
  }
  for (const [index, line] of lines.entries()) {
    const code = line.replace(/\/\/.*$/, '')
    const constant = /^const (\w+) = (.+)$/.exec(code)
    if (constant) add(index, `${constant[1]} one more`, `const ${constant[1]} = ${constant[2]} + 1`)
    if (/^\s*(?:import|struct|enum|type|const|get fun|fun|@)/.test(code) || code.trim() === '') continue
    const asserted = /^(\s*(?:else => )?)assert \((.*)\) throw ([\w.]+);?\s*$/.exec(code)
    if (asserted) {
      const [, indent = '', condition = '', exit = ''] = asserted
      const end = code.trimEnd().endsWith(';') ? ';' : ''
      add(index, `no assert (${condition})`, `${indent}${end === '' ? '{}' : ''}`)
      add(index, `assert (!(${condition}))`, `${indent}assert (!(${condition})) throw ${exit}${end}`)
    } else if (statements.test(code)) add(index, `no ${code.trim()}`, '')
    for (const { pattern, replacements } of rules) {
      for (const match of code.matchAll(pattern)) {
        for (const replacement of replacements) {
          const changed = code.slice(0, match.index) + replacement + code.slice(match.index + match[0].length)
          add(index, `${code.trim()}  =>  ${changed.trim()}`, changed)
        }
      }
    }
  }
  return mutants
}
