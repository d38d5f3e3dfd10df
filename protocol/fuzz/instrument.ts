import { parseAst } from 'vite'

/** A place where one check can be switched off while the tests run. */
export interface Site {
  readonly id: number
  readonly file: string
  readonly line: number
  readonly kind: 'condition' | 'throw' | 'call' | 'skip' | 'step' | 'part' | 'schema' | 'bound'
  /** The code that the check refuses with, where it is written there. */
  readonly code: string | null
  readonly text: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}
interface Insertion {
  readonly at: number
  readonly text: string
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
const childrenOf = (node: Node): Node[] =>
  Object.values(node).flatMap((value) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []))
const argumentsOf = (call: Node): Node[] => (call['arguments'] as Node[] | undefined) ?? []
const literal = (node: Node | undefined): string | null =>
  node?.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : null

/** `ensure`, `steps.run`, `v.check`. */
function calleeOf(call: Node): string {
  const callee = call['callee']
  if (!isNode(callee)) return ''
  if (callee.type === 'Identifier') return String(callee['name'])
  const { object, property } = callee as Node & { object?: unknown; property?: unknown }
  if (!isNode(object) || !isNode(property)) return ''
  return `${object.type === 'Identifier' ? String(object['name']) : ''}.${String(property['name'])}`
}

/** `__off` is true while the site is switched off, and remembers that the site was reached. */
const HEAD = [
  `const __off = (id) => { globalThis.reachedSites?.add(id); return globalThis.disabledSite === id }`,
  `const __lenient = (id, check) => async (...found) => { try { return await check(...found) } catch (error) { if (!__off(id)) throw error } }`,
  `const __pass = (id, check) => (...of) => __off(id) || check(...of)`,
].join('; ')

/** Words for people that decide nothing. */
const DECIDE_NOTHING = new Set(['found'])

/** Rewrites one file so that each of its checks can be switched off by number; numbers count on from `first`. */
export function instrument(file: string, source: string, first: number): { code: string; sites: Site[] } {
  const sites: Site[] = []
  const insertions: Insertion[] = []
  const open = (node: Node, kind: Site['kind'], before: string, after: string, code: string | null = null) => {
    const id = first + sites.length
    const line = source.slice(0, node.start).split('\n').length
    const text = source.slice(node.start, node.end).replaceAll(/\s+/g, ' ').slice(0, 100)
    sites.push({ id, file, line, kind, code, text })
    insertions.push({ at: node.start, text: before.replace('ID', String(id)) })
    insertions.push({ at: node.end, text: after })
  }
  const visit = (node: Node): void => {
    mark(node, open)
    for (const child of childrenOf(node)) visit(child)
  }
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node)
  return { code: `${HEAD}; ${insert(source, insertions)}`, sites }
}

type Open = (node: Node, kind: Site['kind'], before: string, after: string, code?: string | null) => void

function mark(node: Node, open: Open): void {
  const { expression } = node as Node & { expression?: unknown }
  switch (node.type) {
    case 'ThrowStatement':
      return open(node, 'throw', '{ if (!__off(ID)) ', ' }', codeOfThrow(node))
    case 'ContinueStatement':
      return open(node, 'skip', '{ if (!__off(ID)) ', ' }')
    case 'ExpressionStatement': {
      const call = isNode(expression) && expression.type === 'AwaitExpression' ? expression['argument'] : expression
      if (!isNode(call) || call.type !== 'CallExpression') return
      const callee = calleeOf(call)
      const isSuper = isNode(call['callee']) && call['callee'].type === 'Super'
      if (callee !== 'ensure' && !isSuper && !DECIDE_NOTHING.has(callee)) open(node, 'call', '{ if (!__off(ID)) ', ' }')
      return
    }
    case 'LogicalExpression': {
      if (node['operator'] === '??') return
      const [before, after] = node['operator'] === '&&' ? ['(__off(ID) || (', '))'] : ['(!__off(ID) && (', '))']
      for (const side of [node['left'], node['right']]) if (isNode(side)) open(side, 'part', before, after)
      return
    }
    case 'CallExpression':
      return markCall(node, open)
    default:
  }
}

function markCall(call: Node, open: Open): void {
  const [first, second] = argumentsOf(call)
  switch (calleeOf(call)) {
    case 'ensure':
      if (first) open(first, 'condition', '__off(ID) || (', ')', literal(second))
      return
    case 'steps.run':
      if (second) open(second, 'step', '__lenient(ID, ', ')', literal(first))
      return
    case 'v.check':
      if (first) open(first, 'schema', '__pass(ID, ', ')')
      return
    case 'Math.min':
      for (const argument of argumentsOf(call)) {
        if (argument.type !== 'SpreadElement') open(argument, 'bound', '(__off(ID) ? Infinity : (', '))')
      }
      return
    default:
  }
}

function codeOfThrow(node: Node): string | null {
  const made = node['argument']
  return isNode(made) && made.type === 'NewExpression' ? literal(argumentsOf(made)[0]) : null
}

/** What encloses comes first where it begins, and last where it ends. */
function insert(source: string, insertions: readonly Insertion[]): string {
  const starts = new Map<number, string>()
  const ends = new Map<number, string>()
  for (let i = 0; i < insertions.length; i += 2) {
    const [before, after] = [insertions[i], insertions[i + 1]]
    if (!before || !after) continue
    starts.set(before.at, (starts.get(before.at) ?? '') + before.text)
    ends.set(after.at, after.text + (ends.get(after.at) ?? ''))
  }
  let code = ''
  for (let at = 0; at <= source.length; at++) {
    code += (ends.get(at) ?? '') + (starts.get(at) ?? '') + source.slice(at, at + 1)
  }
  return code
}
