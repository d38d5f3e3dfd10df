import { type MouseEvent, type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { Announcements } from './announcements.tsx'
import { ActionsSheet, MachineSheet } from './answer-sheets.tsx'
import { branchesOf } from './branches.ts'
import type { Chat } from './chat.ts'
import type { ChatState } from './chat-state.ts'
import { Composer } from './composer.tsx'
import { copyText } from './copy.tsx'
import { Header, type SheetName } from './header.tsx'
import { goTo } from './place.ts'
import { PromptsSheet } from './prompts-sheet.tsx'
import { useFollow } from './scroll.ts'
import { ReportSheet, ShareSheet } from './share-sheets.tsx'
import { ModelSheet, TrialSheet } from './sheets.tsx'
import type { Telegram } from './telegram.ts'
import { TurnView } from './thread.tsx'
import { isRunning, type Turn } from './turn.ts'
import { Welcome } from './welcome.tsx'
import type { Remedy } from './words/notice.ts'

type TurnSheet = 'machine' | 'actions' | 'share' | 'report'
type Open = { readonly name: SheetName } | { readonly name: TurnSheet; readonly turn: number } | null

/** Home: the chat. `away`: a page stands before it, and it keeps its place. */
export function Home({
  chat,
  state,
  telegram,
  away: hidden,
}: {
  readonly chat: Chat
  readonly state: ChatState
  readonly telegram: Telegram
  readonly away: boolean
}) {
  const [open, setOpen] = useState<Open>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const content = useRef<HTMLElement>(null)
  const { away, toEnd } = useFollow(content, state.conversation, state.turns.length > 0, hidden)
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
  const edit = useCallback(
    (id?: number) => {
      chat.edit(id)
      field.current?.focus()
    },
    [chat],
  )
  const begin = (text: string) => {
    chat.write(text)
    focusEnd(field)
  }
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
      branch: (turn: Turn, by: 1 | -1) => {
        telegram.touch('choose')
        chat.branch(turn.id, by)
      },
    }
  }, [chat, telegram, asked, edit])

  const stoppedBy = last?.answer.failure?.action === 'stop' ? last.id : null
  useEffect(() => {
    if (stoppedBy !== null) telegram.touch('failure')
  }, [telegram, stoppedBy])
  useEffect(() => {
    telegram.confirmClosing(running)
  }, [telegram, running])

  const shown = open && 'turn' in open ? state.turns.find((turn) => turn.id === open.turn) : undefined
  const modelName = state.models?.find((model) => model.id === shown?.model)?.name ?? shown?.model ?? ''
  const sheet = { chat, state, telegram, onClose: close }
  const show = (name: TurnSheet, turn: Turn) => setOpen({ name, turn: turn.id })
  return (
    <div className="screen" hidden={hidden}>
      <Header state={state} onOpen={(name) => setOpen({ name })} onChats={() => goTo('chats')} />
      <main ref={content} className={state.development ? 'chat below-banner' : 'chat'} onClick={followLink(telegram)}>
        {state.turns.length === 0 && state.memory === 'opening' ? null : state.turns.length === 0 ? (
          <Welcome
            development={state.development}
            onAsk={(question) => {
              chat.write(question)
              send()
            }}
            onBegin={(text) => begin(`${text}\n\n`)}
          />
        ) : (
          state.turns.map((turn) => {
            const branches = branchesOf(state.all, turn)
            return (
              <TurnView
                key={turn.id}
                turn={turn}
                branch={branches.indexOf(turn.id) + 1}
                branches={branches.length}
                last={turn === last}
                editing={state.editing !== null && turn.id >= state.editing}
                development={state.development}
                renews={state.trial?.renews ?? null}
                on={on}
              />
            )
          })
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
        onEdit={() => edit()}
        onCancelEdit={() => chat.cancelEdit()}
        onDown={() => toEnd(true)}
        onPrompts={() => setOpen({ name: 'prompts' })}
      />
      <Announcements turn={last} />
      {open?.name === 'model' && <ModelSheet {...sheet} />}
      {open?.name === 'trial' && <TrialSheet {...sheet} />}
      {open?.name === 'prompts' && (
        <PromptsSheet
          {...sheet}
          onChoose={(text) => {
            close()
            begin(text)
          }}
        />
      )}
      {open?.name === 'machine' && shown && (
        <MachineSheet
          turn={shown}
          modelName={modelName}
          reappraise={chat.reappraise}
          telegram={telegram}
          onClose={close}
        />
      )}
      {open?.name === 'share' && shown && <ShareSheet turn={shown} telegram={telegram} onClose={close} />}
      {open?.name === 'report' && shown && (
        <ReportSheet turn={shown} modelName={modelName} telegram={telegram} onClose={close} />
      )}
      {open?.name === 'actions' && shown && (
        <ActionsSheet
          turn={shown}
          editable={!running}
          telegram={telegram}
          onClose={close}
          onCopy={(text) => void copyText(text)}
          onEdit={() => edit(shown.id)}
          onMachine={() => on.machine(shown)}
          onShare={() => show('share', shown)}
          onReport={() => show('report', shown)}
        />
      )}
    </div>
  )
}

/** The field shows its new text in the next frame; the caret goes behind it. */
function focusEnd(field: RefObject<HTMLTextAreaElement | null>): void {
  requestAnimationFrame(() => {
    const area = field.current
    if (!area) return
    area.focus()
    area.setSelectionRange(area.value.length, area.value.length)
    area.scrollTop = area.scrollHeight
  })
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
