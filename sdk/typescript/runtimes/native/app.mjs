/** Registers the app of the example, as `expo/AppEntry.js` does. */
import { AppRegistry } from "react-native";
import App from "../.work/phone/examples/expo-app/App";

AppRegistry.registerComponent("main", () => App);
