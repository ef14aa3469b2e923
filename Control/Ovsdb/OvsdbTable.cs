using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Control.Ovsdb;

/// <summary>A column that this program uses.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">What it may have.</param>
/// <param name="IsOwn">This program writes it, so nobody has to be told when it changes (OVS <c>ovsdb_idl_omit_alert</c>).</param>
public sealed record OvsdbColumn(string Name, OvsdbType Type, bool IsOwn = false);

/// <summary>A table that this program uses, with the columns that it uses.</summary>
public sealed class OvsdbTable
{
    private readonly Dictionary<string, OvsdbColumn> _columns;

    /// <summary>A table.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="columns">What is used of it.</param>
    public OvsdbTable(string name, IReadOnlyList<OvsdbColumn> columns) => (Name, _columns) = (name, columns.ToDictionary(static c => c.Name, StringComparer.Ordinal));

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The columns that are used.</summary>
    public IReadOnlyCollection<OvsdbColumn> Columns => _columns.Values;

    /// <summary>The column of that name.</summary>
    public OvsdbColumn this[string name] => _columns[name];

    /// <summary>The column of that name, if it is used.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out OvsdbColumn? column) => _columns.TryGetValue(name, out column);
}
