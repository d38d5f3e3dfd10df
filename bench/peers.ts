import { type Client, createClient, keySignIn } from '@cocoon/client'
import { DEMO_MODEL } from '@cocoon/localnet'
import { createSigner, networks } from '@cocoon/protocol'
import { WorkerNode } from '@cocoon/worker-node'

const PRICE = { prompt: 1_000n, cached: 100n, completion: 4_000n, reasoning: 4_000n }

/** A worker-node of this process, for an engine of this process; all else is as in the daemon. */
export function startNode(
  origin: string,
  engine: Parameters<typeof WorkerNode.start>[0]['engine'],
): Promise<WorkerNode> {
  return WorkerNode.start({
    broker: origin,
    engine,
    engineModels: new Map([[DEMO_MODEL.id, DEMO_MODEL.id]]),
    log: () => undefined,
    terms: {
      network: networks.localnet,
      evidence: null,
      payee: null,
      offers: [{ model: DEMO_MODEL.id, price: PRICE, context: 4096, maxOutput: 2048 }],
      limits: { request: 8 * 1024 * 1024, seconds: 300 },
    },
  })
}

export async function newClient(origin: string): Promise<Client> {
  return createClient({ origin, network: 'localnet', signIn: keySignIn(await createSigner()) })
}

/** Waits until the broker lists this many nodes. */
export async function untilListed(origin: string, nodes: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const response = await fetch(`${origin}/api/models`)
    const { models } = (await response.json()) as { models: { nodes: number }[] }
    if ((models[0]?.nodes ?? 0) >= nodes) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the broker lists fewer than ${nodes} nodes after a minute`)
}
