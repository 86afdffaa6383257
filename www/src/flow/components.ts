/** The flow: five components in a row, as a small chat flow in Langflow has them. */
import { BrainCircuit, Braces, MessageSquare, MessageSquareReply, SquareTerminal } from "lucide-react";
import type { LucideIcon } from "lucide-react";

export interface FlowComponent {
  /** The component's type name: what telemetry reports. */
  readonly name: string;
  readonly icon: LucideIcon;
  /** What it does, in a few words. */
  readonly purpose: string;
  /** The label beside the handle where a value comes in; the first component has none. */
  readonly input?: string;
  /** The label beside the handle where a value goes out. */
  readonly output: string;
  /** Picks the card's accent colour, by the type of what goes out. */
  readonly accent: "message" | "prompt" | "model" | "data";
  /** How long it takes, in ms: drawn evenly between the two. */
  readonly duration: readonly [shortest: number, longest: number];
  /**
   * What it says when it fails. Each holds something that no telemetry should carry (a home folder, an e-mail
   * address, a query string), so that one sees in the collector's table what became of it.
   */
  readonly failure: string;
}

export const FLOW: readonly FlowComponent[] = [
  {
    name: "ChatInput",
    icon: MessageSquare,
    purpose: "Takes your message.",
    output: "Chat Message",
    accent: "message",
    duration: [90, 200],
    failure:
      "FileNotFoundError: [Errno 2] No such file or directory: '/home/ada/flows/attachments/notes.txt'",
  },
  {
    name: "Prompt",
    icon: SquareTerminal,
    purpose: "Fills it into a template.",
    input: "Question",
    output: "Prompt",
    accent: "prompt",
    duration: [140, 320],
    failure: "KeyError: 'question' is missing in C:\\Users\\Ada\\flows\\greeting.prompt",
  },
  {
    name: "LanguageModel",
    icon: BrainCircuit,
    purpose: "Writes an answer.",
    input: "Input",
    output: "Model Response",
    accent: "model",
    duration: [550, 1300],
    failure:
      "RateLimitError: 429 for ada.lovelace@example.org at https://api.example.org/v1/chat?key=k-20250131-demo",
  },
  {
    name: "Parser",
    icon: Braces,
    purpose: "Picks out the text.",
    input: "Data",
    output: "Parsed Text",
    accent: "data",
    duration: [120, 280],
    failure:
      "JSONDecodeError: Expecting value: line 1 column 1 (char 0) in /Users/ada/langflow/components/parser.py",
  },
  {
    name: "ChatOutput",
    icon: MessageSquareReply,
    purpose: "Shows the answer.",
    input: "Inputs",
    output: "Output Message",
    accent: "message",
    duration: [80, 180],
    failure: "ConnectionResetError: [Errno 104] peer 192.0.2.17:7860 closed the stream of ada@example.org",
  },
];
