import { CocoonError } from '@cocoon/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { Chat } from '../src/chat.ts'
import { done, node, opening, type Scene, ScriptedAsking } from '../src/dev/scripted-asking.ts'
import { tick } from './stage.tsx'

beforeEach(() => sessionStorage.clear())

async function opened(...scenes: Scene[]) {
  const asking = new ScriptedAsking(scenes)
  const chat = new Chat(() => Promise.resolve(asking), true)
  await chat.open()
  const ask = async (question: string): Promise<void> => {
    chat.write(question)
    expect(chat.send()).toBe(true)
    await tick()
  }
  return { chat, asking, ask }
}

describe('a machine is looked for ahead of need', () => {
  test('from the first letter on, and after an answer, but not while one comes', async () => {
    const gate = Promise.withResolvers<void>()
    const { chat, asking } = await opened([...opening(), gate.promise, done()])
    expect(asking.prepared).toEqual([])
    chat.write('H')
    await tick()
    expect(asking.prepared).toEqual([{ model: 'cocoon-demo', exclude: [] }])
    chat.write('Hi')
    chat.send()
    await tick()
    chat.write('N')
    await tick()
    expect(asking.prepared).toHaveLength(1)
    gate.resolve()
    await tick()
    expect(asking.prepared).toHaveLength(2)
  })

  test('once for many letters, again for another model', async () => {
    const { chat, asking } = await opened([])
    for (const text of ['a', 'ab', 'abc']) chat.write(text)
    await tick()
    expect(asking.prepared).toHaveLength(1)
    chat.choose('another')
    chat.write('abcd')
    await tick()
    expect(asking.prepared.map(({ model }) => model)).toEqual(['cocoon-demo', 'another'])
  })

  test('not without a network, and without the machines that failed a check', async () => {
    const { chat, asking, ask } = await opened([
      { type: 'checking', nodeId: node.nodeId },
      new CocoonError('not-attested', 'scripted'),
    ])
    chat.setOnline(false)
    chat.write('Secret')
    await tick()
    expect(asking.prepared).toEqual([])
    chat.setOnline(true)
    await ask('Secret')
    expect(asking.prepared.at(-1)?.exclude).toEqual([node.nodeId])
  })
})
