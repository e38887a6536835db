"""LangGraph as a contestant: a graph of one node for its development server, in an environment of
its own.
"""

from __future__ import annotations

from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    said: str


async def nothing(state: State) -> State:
    return {}


graph = StateGraph(State).add_node(nothing).add_edge(START, "nothing").add_edge("nothing", END)
graph = graph.compile()
