import { type MouseEvent, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { Announcements } from './announcements.tsx'
import { ActionsSheet, MachineSheet } from './answer-sheets.tsx'
import type { Chat } from './chat.ts'
import { Composer } from './composer.tsx'
import { copyText } from './copy.tsx'
import { Header, type SheetName } from './header.tsx'
import { Sprite } from './icon.tsx'
import { useFollow } from './scroll.ts'
import { ChatsSheet, ModelSheet, TrialSheet } from './sheets.tsx'
import type { Telegram } from './telegram.ts'
import { TurnView } from './thread.tsx'
import { isRunning, type Turn } from './turn.ts'
import { Welcome } from './welcome.tsx'
import type { Remedy } from './words/en.ts'

type Open = { readonly name: SheetName } | { readonly name: 'machine' | 'actions'; readonly turn: number } | null

/** Home: the chat. */
export function App({ chat, telegram }: { readonly chat: Chat; readonly telegram: Telegram }) {
  const state = useSyncExternalStore(chat.subscribe, chat.state)
  const [open, setOpen] = useState<Open>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const content = useRef<HTMLElement>(null)
  const { away, toEnd } = useFollow(content, state.turns.length > 0)
  const touch = useTouchKeyboard(telegram.platform)
  const last = state.turns.at(-1)
  const running = last !== undefined && isRunning(last.answer)

  const asked = useCallback(() => {
    telegram.touch('send')
    toEnd()
    // The keyboard goes, so that the answer has the screen.
    if (touch) field.current?.blur()
  }, [telegram, toEnd, touch])
  const send = () => {
    if (chat.send()) asked()
  }
  const edit = useCallback(() => {
    chat.edit()
    field.current?.focus()
  }, [chat])
  const close = useCallback(() => setOpen(null), [])

  const on = useMemo(() => {
    const retry = () => {
      chat.retry()
      asked()
    }
    const remedies: Record<Remedy, () => void> = {
      again: retry,
      'other-machine': retry,
      'sign-in': retry,
      reopen: telegram.close,
      edit,
      'new-chat': () => {
        const question = chat.state().turns.at(-1)?.question ?? ''
        chat.startOver()
        chat.write(question)
      },
    }
    return {
      retry,
      remedy: (remedy: Remedy) => remedies[remedy](),
      machine: (turn: Turn) => setOpen({ name: 'machine', turn: turn.id }),
      actions: (turn: Turn) => setOpen({ name: 'actions', turn: turn.id }),
    }
  }, [chat, telegram, asked, edit])

  const stoppedBy = last?.answer.failure?.action === 'stop' ? last.id : null
  useEffect(() => {
    if (stoppedBy !== null) telegram.touch('failure')
  }, [telegram, stoppedBy])

  const shown = open && 'turn' in open ? state.turns.find((turn) => turn.id === open.turn) : undefined
  const modelName = state.models?.find((model) => model.id === shown?.model)?.name ?? shown?.model ?? ''
  const sheet = { chat, state, telegram, onClose: close }
  return (
    <>
      <Sprite />
      <Header state={state} onOpen={(name) => setOpen({ name })} />
      <main ref={content} className={state.development ? 'chat below-banner' : 'chat'} onClick={followLink(telegram)}>
        {state.turns.length === 0 && state.memory === 'opening' ? null : state.turns.length === 0 ? (
          <Welcome
            development={state.development}
            onAsk={(question) => {
              chat.write(question)
              send()
            }}
          />
        ) : (
          state.turns.map((turn) => (
            <TurnView
              key={turn.id}
              turn={turn}
              last={turn === last}
              editing={turn.id === state.editing}
              development={state.development}
              renews={state.trial?.renews ?? null}
              on={on}
            />
          ))
        )}
      </main>
      <Composer
        state={state}
        running={running}
        enterSends={!touch}
        field={field}
        away={away && state.turns.length > 0}
        onWrite={(text) => chat.write(text)}
        onFocus={() => chat.prepare()}
        onSend={send}
        onStop={() => chat.stop()}
        onEdit={edit}
        onCancelEdit={() => chat.cancelEdit()}
        onDown={() => toEnd(true)}
      />
      <Announcements turn={last} />
      {open?.name === 'chats' && <ChatsSheet {...sheet} />}
      {open?.name === 'model' && <ModelSheet {...sheet} />}
      {open?.name === 'trial' && <TrialSheet {...sheet} />}
      {open?.name === 'machine' && shown && (
        <MachineSheet
          turn={shown}
          modelName={modelName}
          reappraise={chat.reappraise}
          telegram={telegram}
          onClose={close}
        />
      )}
      {open?.name === 'actions' && shown && (
        <ActionsSheet
          turn={shown}
          last={shown === last && !running}
          telegram={telegram}
          onClose={close}
          onCopy={(text) => void copyText(text)}
          onEdit={edit}
          onMachine={() => on.machine(shown)}
        />
      )}
    </>
  )
}

/** Inside Telegram a link opens through it, so that the app stays where it is. */
function followLink(telegram: Telegram) {
  return (event: MouseEvent) => {
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null
    if (!link || !telegram.inside || event.defaultPrevented) return
    const href = link.getAttribute('href') ?? ''
    if (!/^https?:/i.test(href)) return
    event.preventDefault()
    telegram.openLink(href)
  }
}

function useTouchKeyboard(platform: string): boolean {
  return useMemo(() => {
    if (/^(?:ios|android)/.test(platform)) return true
    if (platform !== 'browser' && platform !== 'weba' && platform !== 'webk') return false
    return typeof matchMedia === 'function' && matchMedia('(hover: none) and (pointer: coarse)').matches
  }, [platform])
}
