import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { detectEngines, networkName } from '../../src/engine/detect.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections()
})

async function serve(answer: object | string | undefined): Promise<number> {
  const server = createServer((request, response) => {
    if (answer === undefined) return
    if (request.url !== '/v1/models') response.statusCode = 404
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}
const models = (owned_by: string, ...more: object[]) => ({
  object: 'list',
  data: more.map((one) => ({ id: 'm', owned_by, ...one })),
})

test('engines on this machine are told apart, and what they say of their models is kept', async () => {
  const ports = await Promise.all([
    serve(models('vllm', { max_model_len: 4096 })),
    serve(models('sglang', { max_model_len: 8192 })),
    serve(models('llamacpp', { meta: { n_ctx: 2048, n_ctx_train: 40960 } })),
    serve(models('library', { id: 'qwen3:8b' }, { id: 'big:cloud' })),
    serve({ object: 'list', data: null }),
    serve('<html>'),
    serve(models('someone', {})),
  ])
  const found = await detectEngines(ports)
  expect(found.map(({ kind, models: list }) => [kind, list])).toEqual([
    ['vLLM', [{ id: 'm', context: 4096 }]],
    ['SGLang', [{ id: 'm', context: 8192 }]],
    ['llama-server', [{ id: 'm', context: 2048 }]],
    ['Ollama', [{ id: 'qwen3:8b', context: undefined }]],
    ['another engine', []],
    ['another engine', [{ id: 'm', context: undefined }]],
  ])
  expect(found[0]?.url).toBe(`http://127.0.0.1:${ports[0]}`)
})

test('what listens and says nothing holds nobody up for long', async () => {
  const silent = await serve(undefined)
  const began = performance.now()
  expect(await detectEngines([silent])).toEqual([])
  expect(performance.now() - began).toBeLessThan(3_000)
})

test.each([
  ['Qwen/Qwen3-8B', 'qwen3-8b'],
  ['qwen3:8b', 'qwen3-8b'],
  ['/models/Llama-3.2-1B-Instruct-Q8_0.gguf', 'llama-3.2-1b-instruct-q8_0'],
  ['gpt-oss 20B!', 'gpt-oss-20b'],
])('%s is named %s on the network', (theirs, ours) => {
  expect(networkName(theirs)).toBe(ours)
})
