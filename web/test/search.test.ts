import { describe, expect, test } from 'vitest'
import { branchesOf, leafUnder, linked, pathTo } from '../src/branches.ts'
import { fileName } from '../src/export.ts'
import { found } from '../src/search.ts'
import { modelOf, readStart } from '../src/start.ts'
import { shortened, spoken } from '../src/summary.ts'
import { noAnswer, type Turn } from '../src/turn.ts'
import { demoModel } from '../src/dev/scripted-asking.ts'

const turn = (id: number, parent: number | null, question = `q${id}`, text = ''): Turn => ({
  id,
  parent,
  at: id,
  question,
  model: 'm',
  avoid: [],
  answer: { ...noAnswer, text },
})

describe('branches', () => {
  // 1 ─ 2 ─ 4
  //   └ 3 ─ 5
  const tree = [turn(1, null), turn(2, 1), turn(3, 1), turn(4, 2), turn(5, 3)]
  test('are ways through a tree', () => {
    expect(pathTo(tree, 4).map(({ id }) => id)).toEqual([1, 2, 4])
    expect(pathTo(tree, null).map(({ id }) => id)).toEqual([1, 3, 5])
    expect(pathTo(tree, 99).map(({ id }) => id)).toEqual([1, 3, 5])
    expect(branchesOf(tree, tree[1]!)).toEqual([2, 3])
    expect(leafUnder(tree, 2)).toBe(4)
  })
  test('damaged by whatever way end, and do not go in circles', () => {
    expect(pathTo([turn(1, 2), turn(2, 1)], 2).map(({ id }) => id)).toEqual([1, 2])
    expect(pathTo([turn(3, 3)], 3).map(({ id }) => id)).toEqual([3])
    expect(pathTo([turn(7, 5)], null).map(({ id }) => id)).toEqual([7])
  })
  test('of a history that knew none are one line', () => {
    const old = [turn(5, null), turn(2, null)].map((one) => ({ ...one, parent: undefined }))
    expect(linked(old as unknown as Parameters<typeof linked>[0]).map(({ id, parent }) => [id, parent])).toEqual([
      [2, null],
      [5, 2],
    ])
  })
})

describe('a search', () => {
  const turns = [turn(1, null, 'Где хранится ключ?', 'The **café** keeps it. Её знают все.')]
  test.each(['КЛЮЧ', 'cafe', 'её', 'ее', 'ключ café', 'title'])('finds %s', (query) =>
    expect(found(query, 'A title', turns)).not.toBeNull(),
  )
  test.each(['', '   ', 'ключи', 'ключ tea'])('finds nothing for %j', (query) =>
    expect(found(query, 'A title', turns)).toBeNull(),
  )
  test('shows the words around', () => {
    expect(found('keeps', '', [turn(1, null, 'q', `${'word '.repeat(30)}keeps this ${'more '.repeat(40)}`)])).toMatch(
      /^….*keeps this/,
    )
  })
})

describe('a line of a list', () => {
  test('ends at a word, and never inside of a letter', () => {
    expect(shortened('One two three four five', 12)).toBe('One two…')
    expect(shortened('👩‍🚀'.repeat(40), 7)).not.toContain('\uFFFD')
    expect(shortened('  a \n b ', 9)).toBe('a b')
  })
  test('says what the marks of markdown draw', () => {
    expect(spoken('| a | b |\n|---|:-:|\n| **1** | `2` |')).toBe('a b 1 2')
    expect(spoken('See [here](https://x.example).')).toBe('See here.')
  })
})

describe('a link', () => {
  test.each([
    ['model_qwen3-8b', { do: 'model', handle: 'qwen3-8b' }],
    ['do_translate', { do: 'preset', name: 'translate' }],
    ['open_settings', { do: 'open', place: 'settings' }],
    ['new', { do: 'new' }],
    ['open_home', null],
    ['do_harm', null],
    ['model_', null],
    ['javascript_alert', null],
    [null, null],
  ])('%s is understood or passed over', (parameter, start) => expect(readStart(parameter)).toEqual(start))

  test('names a model whose id a link cannot hold', () => {
    const model = { ...demoModel, id: 'Qwen/Qwen3-8B.v1' }
    expect(modelOf([demoModel, model], 'qwen-qwen3-8b-v1')).toBe(model)
    expect(modelOf([demoModel], 'other')).toBeUndefined()
  })
})

test('a file is named so that every system takes it', () => {
  expect(fileName('Что: "это"/\\? <b>', 'md')).toBe('Что это b.md')
  expect(fileName('???', 'json')).toBe('cocoon.json')
})
