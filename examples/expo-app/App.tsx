import { Puras } from "puras";
import { PurasProvider, useRun } from "puras/react";
import { useState } from "react";
import { Button, Image, StyleSheet, Text, TextInput, View } from "react-native";

const puras = new Puras({
  apiKey: process.env.EXPO_PUBLIC_PURAS_KEY, // a publishable key: it can be read out of the app
  apiBase: process.env.EXPO_PUBLIC_PURAS_BASE,
});

export default function App() {
  return (
    <PurasProvider client={puras}>
      <GreetingCard />
    </PurasProvider>
  );
}

function GreetingCard() {
  const [name, setName] = useState("Ada");
  const card = useRun("hello-world/greeting-card");
  const progress = card.events.filter((event) => event.type === "progress").pop()?.payload;
  const isBusy = ["pending", "queued", "running"].includes(card.status);

  return (
    <View style={styles.screen}>
      <TextInput style={styles.name} value={name} onChangeText={setName} maxLength={40} />
      <Button title="Draw" onPress={() => card.run({ name })} disabled={isBusy} />
      {isBusy && <Text>{String(progress?.message ?? card.status)} …</Text>}
      {card.error && <Text style={styles.error}>{card.error.message}</Text>}
      {card.result && <Image style={styles.picture} source={{ uri: String(card.result.card) }} />}
    </View>
  );
}

const styles = StyleSheet.create({
  screen: { flex: 1, justifyContent: "center", gap: 16, padding: 24 },
  name: { borderWidth: 1, borderColor: "#8886", borderRadius: 8, padding: 12, fontSize: 18 },
  picture: { aspectRatio: 16 / 9, borderRadius: 12 },
  error: { color: "#d33" },
});
