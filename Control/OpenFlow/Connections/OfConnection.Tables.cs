namespace Mergeflow.Control.OpenFlow;

/// <content>What is said about tables.</content>
public sealed partial class OfConnection
{
    private const uint MaxEntries = 1_000_000;

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

                Capabilities = _version == OfVersion.V10 ? s_wildcards10 : OfBytes.Empty,
                MaxEntries = MaxEntries,
                ActiveCount = counts[t],
            };
            reply.Add(table, static (OfTableStats s, ref OfWire w) => s.Exchange(ref w));
        }

        reply.End();
    }

    private void SendTableFeatures(OfOpaque request)
    {
        if (request.Body.Count > 0) throw new OfRefusal("OFPTFFC_EPERM", "what tables can do cannot be changed");
        MultipartReply reply = Begin(new OfTableFeaturesReply { Kind = OfKind.TableFeaturesReply }, request);
        for (int t = 0; t < TableCount; t++)
        {
            var table = new OfTableFeatures { Table = (byte)t, MaxEntries = MaxEntries, Properties = TableProperties.Of(_version, t, TableCount) };
            reply.Add(table, static (OfTableFeatures f, ref OfWire w) => OfList.Sized(ref w, f, static (OfTableFeatures f, ref OfWire w) => f.Exchange(ref w)));
        }

        reply.End();
    }

    private void SendTableDescs(OfMessage request)
    {
        MultipartReply reply = Begin(new OfTableDescReply { Kind = OfKind.TableDescReply }, request);
        for (int t = 0; t < TableCount; t++) reply.Add(_switch.Tables.Describe(_version, t), static (OfTableDesc d, ref OfWire w) => OfList.Sized(ref w, d, static (OfTableDesc d, ref OfWire w) => d.Exchange(ref w)));
        reply.End();
    }
}
