import express, { type RequestHandler } from "express";

/** Reads a JSON body whatever its declared type: JupyterLab's client sends JSON as text/plain. */
export const json = (limit: string): RequestHandler => express.json({ limit, type: () => true });
