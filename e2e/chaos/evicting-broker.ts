// The broker as localnet runs it, which also puts an object to sleep when it is told to: `{ evict: { className, name } }`
// over the IPC channel. In production that happens by itself, after ten quiet seconds.
import { Miniflare } from 'miniflare'

interface Order {
  readonly evict?: { readonly className: string; readonly name: string }
}

let broker: Miniflare | undefined
const remember = (running: Miniflare): void => {
  broker = running
}
const ready = Object.getOwnPropertyDescriptor(Miniflare.prototype, 'ready')
Object.defineProperty(Miniflare.prototype, 'ready', {
  get(this: Miniflare) {
    remember(this)
    return ready?.get?.call(this) as Promise<URL>
  },
})
process.on('message', ({ evict }: Order) => {
  if (!evict) return
  const { className, name } = evict
  broker
    ?.unsafeEvictDurableObject('cocoon', className, { name, webSockets: 'hibernate' })
    // An object that is busy, or does not exist, stays as it is.
    .then(() => console.log(JSON.stringify({ event: 'object.evicted', className })))
    .catch((error: unknown) => console.log(JSON.stringify({ event: 'object.kept', className, why: String(error) })))
})
await import('../../localnet/src/run-broker.ts')
