import { once } from 'node:events'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createSigner, decodeMessage, networks, nodeIdOf, SUBPROTOCOL } from '@cocoon/protocol'
import { openAttestation } from './attesters/attestation.ts'
import { askBroker } from './broker-facts.ts'
import { ConfigError, type NodeSettings, readSettings } from './config.ts'
import { askControl } from './control.ts'
import { examine, findingText, type Probes } from './doctor.ts'
import type { Engine } from './engine/engine.ts'
import { startEngines } from './engines.ts'

/** Milliseconds. A model that is loaded for the first time takes its time. */
const FIRST_WORD = 120_000
const LINK_PATIENCE = 8_000

/**
 * `worker-node doctor`: prints what it finds, and ends with 2 when something would keep the node from earning.
 *
 * @throws ConfigError when the settings themselves are wrong
 */
export async function doctorCommand(args: readonly string[], print: (line: string) => void): Promise<void> {
  const settings = readSettings(args, process.env)
  print(
    settings.file === undefined
      ? 'no worker-node.toml here: flags and environment alone'
      : `settings of ${settings.file}`,
  )
  let wrong = 0
  for await (const finding of examine(settings, realProbes)) {
    print(findingText(finding))
    if (finding.level === 'wrong') wrong += 1
  }
  if (wrong > 0) throw new ConfigError(`${wrong} ${wrong === 1 ? 'thing keeps' : 'things keep'} this node from earning`)
  print('nothing keeps this node from earning: worker-node run')
}

export const realProbes: Probes = {
  runtime: process.versions.node,
  now: () => Date.now(),
  broker: ({ broker }) => askBroker(broker),
  link: openLink,
  async answer({ models }) {
    const { engine } = await startEngines(models)
    try {
      const times = new Map<string, number>()
      for (const { model } of models) times.set(model, await firstWord(engine, model))
      return times
    } finally {
      await engine.close()
    }
  },
  async evidence(settings) {
    const { publicKey } = await createSigner()
    const now = (): number => Date.now()
    const attestation = await openAttestation(settings, {
      network: networks[settings.network],
      identity: publicKey,
      now,
    })
    if (!attestation) throw new Error('nothing to make it with')
    return (await attestation.make()).evidence.tee
  },
  async freeBytes({ state = '.' }) {
    await mkdir(state, { recursive: true, mode: 0o700 })
    const probe = join(state, `.doctor-${process.pid}`)
    await writeFile(probe, 'x')
    await rm(probe)
    const { bavail, bsize } = await statfs(state)
    return bavail * bsize
  },
  running: ({ state }) =>
    state === undefined
      ? Promise.resolve(false)
      : askControl(state, 'GET', '/status').then(
          () => true,
          () => false,
        ),
  async portFree({ 'health-port': port, 'health-host': host }) {
    const server = createServer()
    server.listen(port, host)
    try {
      await once(server, 'listening')
      return true
    } catch {
      return false
    } finally {
      server.close()
    }
  },
}

/** Milliseconds until a model says anything. @throws EngineError */
async function firstWord(engine: Engine, model: string): Promise<number> {
  const began = performance.now()
  const request = { model, messages: [{ role: 'user' as const, content: 'Hello' }], max_tokens: 1 }
  for await (const event of engine.chat(request, { signal: AbortSignal.timeout(FIRST_WORD) })) {
    if (event.type === 'end' && event.finishReason === 'cancelled') break
    return performance.now() - began
  }
  throw new Error(`${model} said nothing within ${FIRST_WORD / 1000} s`)
}

/** The node's own door at the broker, under an identity that ends here. */
async function openLink({ broker }: NodeSettings): Promise<number> {
  const { publicKey } = await createSigner()
  const url = new URL(`/api/nodes/${await nodeIdOf(publicKey)}/link`, broker)
  url.protocol = url.protocol.replace('http', 'ws')
  const socket = new WebSocket(url, SUBPROTOCOL)
  socket.binaryType = 'arraybuffer'
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const late = setTimeout(() => reject(new Error(`no word within ${LINK_PATIENCE / 1000} s`)), LINK_PATIENCE)
  socket.addEventListener('message', (event: MessageEvent<string | ArrayBuffer>) => {
    if (typeof event.data === 'string') return
    try {
      const message = decodeMessage(new Uint8Array(event.data))
      if (message.kind === 'challenge') resolve(message.network)
    } catch (error) {
      reject(error instanceof Error ? error : new Error('not understood'))
    }
  })
  socket.addEventListener('error', () => reject(new Error('it could not be opened')))
  socket.addEventListener('close', ({ code }) => reject(new Error(`it was closed with code ${code}`)))
  try {
    return await promise
  } finally {
    clearTimeout(late)
    socket.close()
  }
}
