namespace Mergeflow.Engine.OpenFlow;

/// <summary>What becomes of a packet that no rule of a table matches, as OpenFlow 1.1 and 1.2 set it (<c>OFPTC11_TABLE_MISS_*</c>).</summary>
public enum TableMiss : byte
{
    /// <summary>As the versions of the controllers that are there say.</summary>
    Default,

    /// <summary>It is for controllers.</summary>
    Controller,

    /// <summary>The next table is asked; behind the last one it is for controllers.</summary>
    Continue,

    /// <summary>It is dropped.</summary>
    Drop,
}

/// <summary>The same for all tables, immutable.</summary>
public sealed class TableMisses
{
    private readonly TableMiss[] _tables;

    /// <summary>Takes a copy.</summary>
    /// <param name="tables">By table number; those behind the last one have the default.</param>
    public TableMisses(ReadOnlySpan<TableMiss> tables) => _tables = tables.ToArray();

    /// <summary>Of one table.</summary>
    public TableMiss Of(int table) => table < _tables.Length ? _tables[table] : TableMiss.Default;
}
