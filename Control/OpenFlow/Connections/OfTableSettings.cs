namespace Mergeflow.Control.OpenFlow;

/// <summary>What <c>OFPT_TABLE_MOD</c> says of tables (OVS <c>struct oftable</c>). For any thread.</summary>
public sealed partial class OfTableSettings
{
    /// <summary>What decides which flow goes (<c>OTHER|IMPORTANCE|LIFETIME</c>): it cannot be chosen (OVS <c>OFPROTO_EVICTION_FLAGS</c>).</summary>
    public const uint EvictionFlags = 7;

    private const uint EvictionConfig = 4;
    private const uint VacancyConfig = 8;
    private const uint MissConfig = 3;
    private const ushort EvictionProperty = 2;
    private const ushort VacancyProperty = 3;
    private const byte AllTables = 255;

    /// <summary>What is said of tables without a limit (OVS <c>query_tables</c>).</summary>
    private const int DefaultMaxFlows = 1_000_000;

    /// <summary>OVS <c>OFP_MAX_TABLE_NAME_LEN</c>, without the zero.</summary>
    private const int MostNameChars = 31;

    private readonly Lock _lock = new();
    private readonly Settings[] _tables = new Settings[256];

    /// <summary>Applies a modification, as its version means it.</summary>
    /// <exception cref="OfRefusal">It is refused; nothing was changed.</exception>
    public void Apply(OfTableMod mod, OfVersion version, int tableCount)
    {
        Vacancy? vacancy = version >= OfVersion.V14 ? Properties(mod.Properties.Span, version) : null;
        if (mod.Table >= tableCount && mod.Table != AllTables) throw new OfRefusal("OFPTMFC_EPERM", $"table {mod.Table} is the switch's own");
        int[] counts = Counts(mod.Table, (mod.Config & VacancyConfig) != 0);
        lock (_lock)
        {
            for (int t = 0; t < tableCount; t++)
            {
                if (mod.Table != AllTables && mod.Table != t) continue;
                Change(ref _tables[t], mod, version, vacancy ?? default);
                Await(ref _tables[t], counts[t]);
            }

            _watchesVacancy = Array.Exists(_tables, static t => t.HasVacancy);
        }
    }

    /// <summary>What the database says of tables (<c>Flow_Table</c>), by number: names that OpenFlow cannot change, and how many flows there may be.</summary>
    public void Configure(IReadOnlyDictionary<int, OfTableConfig> tables)
    {
        lock (_lock)
        {
            for (int t = 0; t < _tables.Length; t++)
            {
                OfTableConfig? config = tables.GetValueOrDefault(t);
                _tables[t].Limit = config?.Limit;
                string name = Cut(config?.Name ?? "");
                if (name.Length > 0) (_tables[t].Name, _tables[t].IsNamedByDatabase) = (name, true);
                else if (_tables[t].IsNamedByDatabase) (_tables[t].Name, _tables[t].IsNamedByDatabase) = (null, false);
            }
        }
    }

    /// <summary>Gives tables names, as <c>TABLE_FEATURES</c> asks; an empty one takes it away.</summary>
    /// <exception cref="OfRefusal">The database has given it another; nothing was changed.</exception>
    public void SetNames(IReadOnlyList<(int Table, string Name)> names)
    {
        lock (_lock)
        {
            foreach ((int table, string name) in names)
            {
                if (_tables[table].IsNamedByDatabase && Cut(name) != _tables[table].Name) throw new OfRefusal("OFPTFFC_EPERM", $"the database has named table {table}");
            }

            foreach ((int table, string name) in names)
            {
                if (!_tables[table].IsNamedByDatabase) _tables[table].Name = Cut(name) is { Length: > 0 } given ? given : null;
            }
        }
    }

    /// <summary>How many flows tables take, those that take any number left out; flows make room if the database or <c>OFPTC14_EVICTION</c> says so.</summary>
    public IReadOnlyDictionary<int, TableLimit> Limits
    {
        get
        {
            Dictionary<int, TableLimit> limits = [];
            lock (_lock)
            {
                for (int t = 0; t < _tables.Length; t++)
                {
                    if (_tables[t].Limit is { } limit) limits.Add(t, limit with { Evicts = limit.Evicts || _tables[t].Evicts });
                }
            }

            return limits;
        }
    }

    /// <summary>Its name; empty = none.</summary>
    public string NameOf(int table)
    {
        lock (_lock) return _tables[table].Name ?? "";
    }

    /// <summary>Flows that it takes.</summary>
    public uint MaxFlowsOf(int table)
    {
        lock (_lock) return (uint)(_tables[table].Limit?.MaxRules ?? DefaultMaxFlows);
    }

    /// <summary>What becomes of packets that miss; null = no table has its own.</summary>
    public TableMisses? Misses
    {
        get
        {
            lock (_lock) return Array.Exists(_tables, static t => t.Miss != TableMiss.Default) ? new TableMisses(Array.ConvertAll(_tables, static t => t.Miss)) : null;
        }
    }

    /// <summary>A table as <c>TABLE_DESC</c> tells it.</summary>
    /// <param name="version">Of the connection.</param>
    /// <param name="table">Which table.</param>
    /// <param name="free">Percent of its places that are free; null = as it is now.</param>
    public OfTableDesc Describe(OfVersion version, int table, byte? free = null)
    {
        Settings settings;
        lock (_lock) settings = _tables[table];
        var w = new OfWriter(version);
        int start = OfProperty.Begin(w, EvictionProperty);
        w.U32(EvictionFlags);
        OfProperty.End(w, start);
        if (settings.HasVacancy)
        {
            start = OfProperty.Begin(w, VacancyProperty);
            w.U8(settings.Down);
            w.U8(settings.Up);
            w.U8(free ?? FreeOf(settings, CountOf(table)));
            w.Zeros(1);
            OfProperty.End(w, start);
        }

        uint config = (settings.Evicts ? EvictionConfig : 0) | (settings.HasVacancy ? VacancyConfig : 0);
        return new OfTableDesc { Table = (byte)table, Config = config, Properties = new OfBytes(w.Written.ToArray()) };
    }

    private static string Cut(string name) => name.Length <= MostNameChars ? name : name[..MostNameChars];

    private static void Change(ref Settings settings, OfTableMod mod, OfVersion version, Vacancy vacancy)
    {
        if (version is OfVersion.V11 or OfVersion.V12)
        {
            settings.Miss = (mod.Config & MissConfig) switch { 1 => TableMiss.Continue, 2 => TableMiss.Drop, _ => TableMiss.Controller };
            return;
        }

        if (version < OfVersion.V14) return;
        settings.Evicts = (mod.Config & EvictionConfig) != 0;
        settings.HasVacancy = (mod.Config & VacancyConfig) != 0;
        (settings.Down, settings.Up) = (vacancy.Down, vacancy.Up);
    }

    private static Vacancy? Properties(ReadOnlySpan<byte> bytes, OfVersion version)
    {
        Vacancy? vacancy = null;
        var reader = new OfReader(bytes, version);
        while (reader.Left > 0)
        {
            OfProperty property = OfProperty.Read(ref reader);
            OfReader body = property.Body;
            switch (property.Type)
            {
                case EvictionProperty:
                    if (property.Only(ref body, body.U32()) != EvictionFlags) throw new OfRefusal("OFPTMFC_BAD_CONFIG", "which flow goes cannot be chosen");
                    break;
                case VacancyProperty:
                    if (body.Left != 4) throw new OfRefusal("OFPBPC_BAD_LEN", $"{body.Left} bytes about free places");
                    vacancy = new Vacancy(body.U8(), body.U8());
                    if (body.U8() != 0 || vacancy.Value.Down > vacancy.Value.Up || vacancy.Value.Up > 100) throw new OfRefusal("OFPBPC_BAD_VALUE", "free places");
                    break;
                default:
                    throw new OfRefusal("OFPBRC_BAD_TYPE", $"property {property.Type} of a table");
            }
        }

        return vacancy;
    }

    private readonly record struct Vacancy(byte Down, byte Up);

    private struct Settings
    {
        public TableMiss Miss;
        public string? Name;
        public bool IsNamedByDatabase;
        public TableLimit? Limit;
        public bool Evicts;
        public bool HasVacancy;
        public byte Down;
        public byte Up;

        /// <summary>What is told next: 0 = nothing.</summary>
        public byte Awaited;
    }
}
