namespace Mergeflow.Control.OpenFlow;

/// <summary>Which Geneve options have which field (OVS <c>tun-metadata.c</c>). For any thread.</summary>
public sealed class OfTlvTable
{
    /// <summary>Most fields (OVS <c>TUN_METADATA_NUM_OPTS</c>).</summary>
    public const int MaxFields = 64;

    /// <summary>Most bytes of all options (OVS <c>TUN_METADATA_TOT_OPT_SIZE</c>).</summary>
    public const int MaxOptionSpace = 256;
    private const int MaxOptionBytes = 124;

    private volatile EquatableList<OfTlvMap> _maps = EquatableList<OfTlvMap>.Empty;
    private readonly Lock _lock = new();

    /// <summary>The options, by field.</summary>
    public EquatableList<OfTlvMap> Maps => _maps;

    /// <summary>Bytes of the option behind <c>tun_metadata0</c>; 0 = none.</summary>
    public int FirstOptionBytes => _maps.FirstOrDefault(static m => m.Index == 0)?.LengthBytes ?? 0;

    /// <summary>Adds, deletes or clears (OVS <c>tun_metadata_table_mod</c>).</summary>
    /// <param name="mod">What is to be done.</param>
    /// <param name="isUsed">Whether some flow refers to a field: its option stays.</param>
    /// <exception cref="OfRefusal">Refused; nothing was changed.</exception>
    public void Apply(OfTlvTableMod mod, Func<int, bool>? isUsed = null)
    {
        lock (_lock)
        {
            bool isGoing(OfTlvMap map) => mod.Command == 2 || (mod.Command == 1 && mod.Maps.Any(m => (m.Class, m.Type) == (map.Class, map.Type)));
            if (_maps.FirstOrDefault(m => isGoing(m) && isUsed?.Invoke(m.Index) == true) is { } used) throw new OfRefusal("NXTTMFC_INVALID_TLV_DEL", $"flows refer to tun_metadata{used.Index}");
            if (mod.Command == 2)
            {
                _maps = EquatableList<OfTlvMap>.Empty;
                return;
            }

            Check(mod.Maps);
            _maps = mod.Command == 0 ? Added(mod.Maps) : new EquatableList<OfTlvMap>(_maps.Where(o => !mod.Maps.Any(m => (m.Class, m.Type) == (o.Class, o.Type))));
        }
    }

    private static void Check(EquatableList<OfTlvMap> maps)
    {
        for (int i = 0; i < maps.Count; i++)
        {
            OfTlvMap map = maps[i];
            if (map.Index >= MaxFields) throw new OfRefusal("NXTTMFC_BAD_FIELD_IDX", $"tun_metadata{map.Index}");
            if (map.LengthBytes > MaxOptionBytes || map.LengthBytes % 4 != 0) throw new OfRefusal("NXTTMFC_BAD_OPT_LEN", $"{map.LengthBytes} bytes");
            if (maps.Take(i).Any(m => m.Index == map.Index || (m.Class, m.Type) == (map.Class, map.Type))) throw new OfRefusal("NXTTMFC_DUP_ENTRY", $"tun_metadata{map.Index}");
        }
    }

    private EquatableList<OfTlvMap> Added(EquatableList<OfTlvMap> more)
    {
        foreach (OfTlvMap map in more)
        {
            if (_maps.Any(o => o.Index == map.Index || (o.Class, o.Type) == (map.Class, map.Type))) throw new OfRefusal("NXTTMFC_ALREADY_MAPPED", $"tun_metadata{map.Index}");
        }

        if (_maps.Concat(more).Sum(static m => m.LengthBytes) > MaxOptionSpace) throw new OfRefusal("NXTTMFC_TABLE_FULL", $"{MaxOptionSpace} bytes of options");
        return new EquatableList<OfTlvMap>(_maps.Concat(more).OrderBy(static m => m.Index));
    }
}
