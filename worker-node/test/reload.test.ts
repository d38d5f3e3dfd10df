import { expect, test } from 'vitest'
import { offerOf, readSettings } from '../src/config.ts'
import { reoffer } from '../src/reload.ts'

const read = (file: string) => readSettings([], {}, () => `broker = "https://cocoon.example"\n${file}`)
const size = { context: 100, maxOutput: 99 }

test('prices change while a node runs, by model; what else changed waits and is named', () => {
  const before = read('price-prompt = 1\nslots = 4\n[[models]]\nmodel = "a"\n[[models]]\nmodel = "b"\nprice-prompt = 2')
  const offers = before.models.map((settings) => offerOf(settings, size))
  const after = read(
    'price-prompt = 7\nslots = 5\nlog = "json"\n[[models]]\nmodel = "a"\n[[models]]\nmodel = "b"\nprice-prompt = 2',
  )
  const { offers: next, report } = reoffer(before, after, offers)
  expect(next.map(({ model, price }) => [model, price.prompt])).toEqual([
    ['a', 7n],
    ['b', 2n],
  ])
  expect(report).toEqual({ repriced: ['a'], waiting: ['slots', 'log'] })
  expect(reoffer(after, after, next).report).toEqual({ repriced: [], waiting: [] })
})

test('a model that came or went waits for a restart, and the others keep their offers', () => {
  const before = read('[[models]]\nmodel = "a"')
  const offers = before.models.map((settings) => offerOf(settings, size))
  expect(reoffer(before, read('[[models]]\nmodel = "b"'), offers)).toEqual({
    offers,
    report: { repriced: [], waiting: ['models'] },
  })
})
