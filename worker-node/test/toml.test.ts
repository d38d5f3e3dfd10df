import { describe, expect, test } from 'vitest'
import { readToml, TomlError } from '../src/toml.ts'

test('reads what a configuration holds', () => {
  const text = `
# a comment
broker = "https://cocoon.example" # and another
slots = 4
price-prompt = 1_000_000
temperature = 0.7
"cache-salt" = true
gpu = false
path = 'C:\\models\\a # b.gguf'
quoted = "a \\"b\\" # c\\u00e9"
gpu-command = [
  "nvattest", # the tool
  'x,]',
]
empty = []

[[models]]
model = "one"
[[ models ]]
model = "two"
`
  const { entries, tables } = readToml(text)
  expect(entries.map(({ key, value }) => [key, value])).toEqual([
    ['broker', 'https://cocoon.example'],
    ['slots', '4'],
    ['price-prompt', '1000000'],
    ['temperature', '0.7'],
    ['cache-salt', 'on'],
    ['gpu', 'off'],
    ['path', 'C:\\models\\a # b.gguf'],
    ['quoted', 'a "b" # cé'],
    ['gpu-command', '["nvattest","x,]"]'],
    ['empty', '[]'],
  ])
  expect(entries[1]?.line).toBe(4)
  expect(tables.map(({ name, line, entries: rows }) => [name, line, rows[0]?.value])).toEqual([
    ['models', 17, 'one'],
    ['models', 19, 'two'],
  ])
  expect(readToml(text.replaceAll('\n', '\r\n'))).toEqual(readToml(text))
})

describe('says what it does not read, and in which line', () => {
  test.each([
    ['a = 1\n[engine]\n', 2, /only \[\[tables\]\]/],
    ['a', 1, /name = value/],
    ['a.b = 1', 1, /name = value/],
    ['a =', 1, /nothing stands behind/],
    ['a = 1\na = 2', 2, /a stands here twice/],
    ['a = "x', 1, /does not end/],
    ['a = """x"""', 1, /several lines/],
    ['a = 1979-05-27', 1, /a value is/],
    ['a = { b = 1 }', 1, /a value is/],
    ['a = 0x10', 1, /a value is/],
    ['a = "x" "y"', 1, /a value is/],
    ['a = "\\q"', 1, /a value is/],
    ['a = [1]', 1, /a list holds/],
    ['a = ["x" "y"]', 1, /between commas/],
    ['\n\na = ["x",', 3, /a value is/],
  ])('%j', (text, line, message) => {
    let error: unknown
    try {
      readToml(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(TomlError)
    expect(error).toMatchObject({ line, message: expect.stringMatching(message) })
  })
})
