import './look/look.css'
import type { NetworkName } from '@cocoon/protocol'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { Chat } from './chat.ts'
import { openConversation } from './conversation.ts'
import { watchKeyboard } from './keyboard.ts'
import { personOf } from './person.ts'
import { startTelegram } from './telegram.ts'
import { applyTheme, themeOf } from './theme.ts'

/** Built in, like the client's (cocoon.ts). */
declare const __NETWORK__: NetworkName

const telegram = startTelegram()
const dress = () => {
  const theme = themeOf(telegram.theme(), matchMedia('(prefers-color-scheme: dark)').matches)
  applyTheme(theme)
  telegram.paint(theme.tokens.ground)
}
dress()
telegram.onTheme(dress)
watchKeyboard()

// The client, with its sealing and signing, arrives after the first paint.
const connect = async () => {
  const { createAsking } = await import('./cocoon.ts')
  return createAsking(telegram.initData)
}
const conversation = openConversation(personOf(telegram.initData))
const chat = new Chat(connect, __NETWORK__ === 'localnet', conversation)
chat.setOnline(navigator.onLine)
window.addEventListener('online', () => chat.setOnline(true))
window.addEventListener('offline', () => chat.setOnline(false))
// A hidden page may never be heard of again: phones end it without a word.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void chat.flush()
  else chat.wake()
})
window.addEventListener('pagehide', () => void chat.flush())

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App chat={chat} telegram={telegram} />
  </StrictMode>,
)
setTimeout(() => void chat.open())
