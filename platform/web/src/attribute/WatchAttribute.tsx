import { Button, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { usePutAttribute } from "@/api/actions";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";

const FEWEST = 2;
const MOST = 8;

/** What is asked of images: which of some phrases describes each best. */
export function WatchAttribute({ generator, onClose }: { generator: string; onClose: () => void }): ReactNode {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [phrases, setPhrases] = useState("");
  const put = usePutAttribute(generator);
  const options = phrases.split("\n").map((line) => line.trim()).filter(Boolean);
  const ready = name !== "" && options.length >= FEWEST && options.length <= MOST;

  const submit = (): void => {
    if (ready) put.mutate({ name, about: about.trim(), options }, { onSuccess: onClose });
  };
  return (
    <Dialog title={`Watch an attribute of ${generator}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" disabled={!ready} loading={put.isPending}>Watch it</Button>
      </>
    }>
      <TextInput label="Name" description="Small letters, digits, - and _." placeholder="doctors" required maxLength={100} pattern="[a-z0-9][a-z0-9_\-]*"
        autoComplete="off" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <TextInput label="Of prompts with" description="A word or a phrase; empty: of all." placeholder="doctor" maxLength={200} autoComplete="off"
        value={about} onChange={(event) => setAbout(event.currentTarget.value)} />
      <Textarea label="Phrases" description={`One a line, ${FEWEST} to ${MOST}: which describes an image best?`} placeholder={"a photo of a man\na photo of a woman"}
        autosize minRows={3} required value={phrases} onChange={(event) => setPhrases(event.currentTarget.value)} />
      {put.error && <Failure error={put.error} />}
    </Dialog>
  );
}
