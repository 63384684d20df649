import type { Result } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { CodeStep, EmailStep } from "./code.tsx";
import { ForgotStep, PasswordStep, RegisterStep, ResetStep } from "./password.tsx";

export type Way = "code" | "password" | "register" | "forgot";

/** A code that was mailed, and what for. */
export interface Flow {
  id: string;
  email: string;
  purpose: "code" | "register" | "reset";
}

type Ways = Result<"api.meta.get">["auth"];

/** Signing in and up, in the ways that the server has. */
export function SignIn({ invited }: { invited: boolean }) {
  const ways = useWays();
  return (
    <main class="door">
      <section class="card">
        <h1>
          <Mark /> Confab
        </h1>
        {invited && <p class="invited">You are invited to a group. Sign in to join it.</p>}
        {ways && (ways.own ? <Steps ways={ways} /> : <p>You sign in at the site that brought you here. Come back from there.</p>)}
      </section>
    </main>
  );
}

function Steps({ ways }: { ways: Ways }) {
  const [way, setWay] = useState<Way>(ways.code ? "code" : "password");
  const [email, setEmail] = useState("");
  const [flow, setFlow] = useState<Flow>();
  const back = () => setFlow(undefined);
  if (flow) return flow.purpose === "reset" ? <ResetStep flow={flow} onBack={back} /> : <CodeStep flow={flow} onBack={back} />;
  const step = { email, onEmail: setEmail, onFlow: setFlow, onWay: setWay };
  switch (way) {
    case "code":
      return <EmailStep {...step} />;
    case "password":
      return <PasswordStep {...step} byCode={ways.code} />;
    case "register":
      return <RegisterStep {...step} />;
    case "forgot":
      return <ForgotStep {...step} />;
  }
}

/** Undefined until they are known. Where the server cannot be asked, trying tells. */
function useWays(): Ways | undefined {
  const [ways, setWays] = useState<Ways>();
  useEffect(() => {
    client.call("api.meta.get", {}).then(
      ({ auth }) => setWays(auth),
      () => setWays({ own: true, code: true, host: false }),
    );
  }, []);
  return ways;
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M8 10.5A2.5 2.5 0 0 1 10.5 8h11a2.5 2.5 0 0 1 2.5 2.5v7a2.5 2.5 0 0 1-2.5 2.5H15l-4.5 4v-4A2.5 2.5 0 0 1 8 17.5z" />
    </svg>
  );
}
