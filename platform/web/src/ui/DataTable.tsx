import type { ReactNode } from "react";

import css from "@/ui/DataTable.module.css";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  /** Figures line up at the end. */
  end?: boolean;
  /** Takes the room that is left. */
  grow?: boolean;
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string | number;
}

/**
 * A table that becomes a list of cards where it is narrow. The roles are spelled out because `display: block`, which
 * the narrow form needs, takes a table's own away.
 */
export function DataTable<Row>({ caption, columns, rows, rowKey }: Props<Row>): ReactNode {
  return (
    <div className={css.frame}>
      <table className={css.table} role="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name, end, grow }) => (
              <th key={name} role="columnheader" scope="col" data-end={end || undefined} data-grow={grow || undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map(({ name, cell, end, grow }) => (
                <td key={name} role="cell" data-name={name} data-end={end || undefined} data-grow={grow || undefined}>
                  <div>{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
