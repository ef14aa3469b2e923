namespace Mergeflow.Control.OpenFlow;

/// <content>What is said about tables.</content>
public sealed partial class OfConnection
{
    /// <summary>Features of tables that have come, until the last of them is there.</summary>
    private readonly List<(int Table, string Name)> _named = [];
    private uint _namingXid;

    /// <summary>All of what OpenFlow 1.0 can leave open.</summary>
    private static readonly OfBytes s_wildcards10 = new([0x00, 0x3f, 0xff, 0xff]);

    private void SendTables(OfMessage request)
    {
        var counts = new uint[256];
        foreach (OfRule rule in _switch.Rules(null)) counts[rule.Table]++;
        MultipartReply reply = Begin(new OfTableReply { Kind = OfKind.TableReply }, request);
        for (int t = 0; t < TableCount; t++)
        {
            var table = new OfTableStats
            {
                Table = (byte)t,

                Capabilities = _version switch { OfVersion.V10 => s_wildcards10, OfVersion.V11 => TableProperties.Of11(t, TableCount), OfVersion.V12 => TableProperties.Of12(t, TableCount), _ => OfBytes.Empty },
                Name = _switch.Tables.NameOf(t),
                MaxEntries = _switch.Tables.MaxFlowsOf(t),
                ActiveCount = counts[t],
            };
            reply.Add(table, static (OfTableStats s, ref OfWire w) => s.Exchange(ref w));
        }

        reply.End();
    }

    private void SendTableFeatures(OfOpaque request)
    {
        if (!TakeNames(request)) return;
        MultipartReply reply = Begin(new OfTableFeaturesReply { Kind = OfKind.TableFeaturesReply }, request);
        for (int t = 0; t < TableCount; t++)
        {
            var table = new OfTableFeatures { Table = (byte)t, Name = _switch.Tables.NameOf(t), MaxEntries = _switch.Tables.MaxFlowsOf(t), Properties = TableProperties.Of(_version, t, TableCount) };
            reply.Add(table, static (OfTableFeatures f, ref OfWire w) => OfList.Sized(ref w, f, static (OfTableFeatures f, ref OfWire w) => f.Exchange(ref w)));
        }

        reply.End();
    }

    /// <summary>Takes the names of tables; nothing else of what they can do changes (OVS <c>handle_table_features_change</c>). False: there is more to come.</summary>
    /// <exception cref="OfRefusal">There is no such table, or its name is not to be changed; no name was.</exception>
    private bool TakeNames(OfOpaque request)
    {
        if (_namingXid != request.Xid) _named.Clear();
        _namingXid = request.Xid;
        var wire = new OfWire(new OfReader(request.Body.Span, _version));
        try
        {
            while (wire.HasMore)
            {
                OfTableFeatures table = new();
                OfList.Sized(ref wire, table, static (OfTableFeatures t, ref OfWire w) => t.Exchange(ref w));
                if (table.Table >= TableCount || _named.Count >= TableCount) throw new OfRefusal("OFPTFFC_BAD_TABLE", $"table {table.Table}");
                _named.Add((table.Table, table.Name));
            }

            if (request.HasMore) return false;
            _switch.Tables.SetNames(_named);
        }
        catch
        {
            _named.Clear();
            throw;
        }

        _named.Clear();
        return true;
    }

    private void SendTableDescs(OfMessage request)
    {
        MultipartReply reply = Begin(new OfTableDescReply { Kind = OfKind.TableDescReply }, request);
        for (int t = 0; t < TableCount; t++) reply.Add(_switch.Tables.Describe(_version, t), static (OfTableDesc d, ref OfWire w) => OfList.Sized(ref w, d, static (OfTableDesc d, ref OfWire w) => d.Exchange(ref w)));
        reply.End();
    }
}
