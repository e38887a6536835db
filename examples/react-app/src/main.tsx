import { Puras } from "puras";
import { PurasProvider } from "puras/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import "./style.css";

const puras = new Puras({
  apiKey: import.meta.env["VITE_PURAS_KEY"], // a publishable key: everybody can read it
  apiBase: import.meta.env["VITE_PURAS_BASE"] ?? "http://127.0.0.1:8787",
});

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <PurasProvider client={puras}>
      <App />
    </PurasProvider>
  </StrictMode>,
);
