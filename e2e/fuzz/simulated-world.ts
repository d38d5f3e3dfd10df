import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Bytes, createSigner, secureRandom } from '@cocoon/protocol'
import { encodeCollateral, encodeStanding } from '@cocoon/protocol/appraisal'
import { answerSource, developmentWorkload, SimulatedMachine } from '@cocoon/localnet/tee'

export interface SimulatedWorld {
  /** For the broker: who speaks for owners and makers. */
  readonly settings: Readonly<Record<string, string>>
  /** What a machine with this identity key shows truly. */
  readonly show: (identity: Bytes) => Promise<{ evidence: Bytes; collateral: Bytes }>
  close(): void
}

/** Owners and makers of simulated machines, so that what liars show is appraised to the end. */
export async function simulateWorld(): Promise<SimulatedWorld> {
  const workload = await developmentWorkload()
  const clock = (): number => Math.floor(Date.now() / 1000)
  const machineOf = (identity: Bytes) =>
    new SimulatedMachine({ identity, workload, gpus: ['hopper'], random: secureRandom, clock, publishedOn: clock() })
  const machine = machineOf((await createSigner()).publicKey)
  const answer = async (url: URL) => {
    const [, top, host = '', ...path] = url.pathname.split('/')
    if (top !== 'makers') return { status: 200, headers: {}, body: encodeStanding(await machine.registry()) }
    return answerSource(await machine.endorsements(), new URL(`https://${host}/${path.join('/')}${url.search}`))
  }
  const server = createServer((request, response) => {
    void answer(new URL(request.url ?? '/', 'http://localhost')).then(({ status, headers, body }) =>
      response.writeHead(status, headers).end(body),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    settings: { REGISTRY_SOURCE: `${origin}/standing.cbor`, ENDORSEMENT_SOURCE: `${origin}/makers` },
    async show(identity) {
      const { bytes, collateral } = await machineOf(identity).evidence()
      return { evidence: bytes, collateral: encodeCollateral(collateral) }
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
