using Mergeflow.Engine.Actions;

namespace Mergeflow.Control.OpenFlow;

/// <content>To a controller, one of several links, samples, connections.</content>
internal static partial class ActionWriter
{
    private static void WriteChoice(OfWriter w, OfAction action)
    {
        switch (action)
        {
            case OfOutputReg a:
                Nicira(w, 15, a, static (w, a) =>
                {
                    w.U16(Range(a.Source));
                    w.U32(Header(a.Source.Field));
                    w.U16(a.MaxLengthBytes);
                    w.Zeros(6);
                });
                break;
            case OfController { UserData: "", Pause: false, MeterId: null } a:
                Nicira(w, 20, a, static (w, a) =>
                {
                    w.U16(a.MaxLengthBytes);
                    w.U16(a.Id);
                    w.U8(PacketInReasons.Number(a.Reason));
                });
                break;
            case OfController a:
                Nicira(w, 37, a, WriteController2);
                break;
            case OfMultipath a:
                Nicira(w, 10, a, static (w, a) =>
                {
                    w.U16((ushort)a.HashFields);
                    w.U16(a.Basis);
                    w.Zeros(2);
                    w.U16((ushort)a.Algorithm);
                    w.U16(a.MaxLink);
                    w.U32(a.Argument);
                    w.Zeros(2);
                    w.U16(Range(a.Destination));
                    w.U32(Header(a.Destination.Field));
                });
                break;
            case OfBundle a:
                Nicira(w, a.Destination is null ? (ushort)12 : (ushort)13, a, static (w, a) =>
                {
                    w.U16((ushort)a.Algorithm);
                    w.U16((ushort)a.HashFields);
                    w.U16(a.Basis);
                    w.U32(Header(Fields.Of(FieldId.InPort)));
                    w.U16((ushort)a.Members.Count);
                    w.U16(a.Destination is { } to ? Range(to) : (ushort)0);
                    w.U32(a.Destination is { } field ? Header(field.Field) : 0);
                    w.Zeros(4);
                    foreach (uint port in a.Members) w.U16((ushort)port);
                });
                break;
            case OfSample a:
                WriteSample(w, a);
                break;
            case OfDrop or OfClearActions or OfWriteActions or OfMeter or OfGotoTable:
                // Nothing, or an instruction that this version does not have.
                break;
            default:
                throw new ArgumentException($"no form on the wire for {action.GetType().Name}", nameof(action));
        }
    }

    private static void WriteController2(OfWriter w, OfController a)
    {
        w.Zeros(6);
        if (a.MaxLengthBytes != ushort.MaxValue) Property(w, 0, a.MaxLengthBytes, 4, 2);
        if (a.Id != 0) Property(w, 1, a.Id, 4, 2);
        if (a.Reason != "action") Property(w, 2, PacketInReasons.Number(a.Reason), 1, 1);
        if (a.UserData.Length > 0)
        {
            int start = OfProperty.Begin(w, 3);
            w.Bytes(Bytes(a.UserData));
            OfProperty.End(w, start);
        }

        if (a.Pause) OfProperty.End(w, OfProperty.Begin(w, 4));
        if (a.MeterId is { } meter) Property(w, 5, meter, 4, 4);
    }

    private static void Property(OfWriter w, ushort type, uint value, int bodyBytes, int valueBytes)
    {
        int start = OfProperty.Begin(w, type);
        w.Number(value, valueBytes);
        w.Zeros(bodyBytes - valueBytes);
        OfProperty.End(w, start);
    }

    private static void WriteSample(OfWriter w, OfSample a)
    {
        bool hasSource = a.ObservationDomainSource is not null || a.ObservationPointSource is not null;
        ushort subtype = hasSource ? (ushort)51 : a.Direction != OfSampleDirection.Default ? (ushort)41 : a.SamplingPort is not null ? (ushort)38 : (ushort)29;
        Nicira(w, subtype, (a, subtype), static (w, s) =>
        {
            w.U16(s.a.Probability);
            w.U32(s.a.CollectorSetId);
            PutId(w, s.a.ObservationDomainId, s.a.ObservationDomainSource, s.subtype == 51);
            PutId(w, s.a.ObservationPointId, s.a.ObservationPointSource, s.subtype == 51);
            if (s.subtype == 29) return;
            w.U16((ushort)(s.a.SamplingPort ?? (uint)OfReservedPort.None));
            w.U8((byte)s.a.Direction);
        });
    }

    private static void PutId(OfWriter w, uint value, Subfield? source, bool hasSource)
    {
        if (hasSource) w.U32(source is { } s ? Header(s.Field) : 0);
        w.U32(source is { } range ? (uint)Range(range) << 16 : value);
    }

    private static void WriteCt(OfWriter w, OfCt ct) => Nicira(w, 35, ct, static (w, a) =>
    {
        w.U16((ushort)((a.Commit ? 1 : 0) | (a.Force ? 2 : 0)));
        w.U32(a.ZoneSource is { } source ? Header(source.Field) : 0);
        w.U16(a.ZoneSource is { } range ? Range(range) : a.Zone);
        w.U8(a.Table ?? 255);
        w.Zeros(3);
        w.U16(a.Alg switch { "ftp" => 21, "tftp" => 69, _ => (ushort)0 });
        if (a.Nat is { } nat && !a.IsNatLast) WriteNat(w, nat);
        Write(w, a.Exec);
        if (a.Nat is { } last && a.IsNatLast) WriteNat(w, last);
    });

    private static void WriteNat(OfWriter w, OfNat nat) => Nicira(w, 36, nat, static (w, n) =>
    {
        w.Zeros(2);
        w.U16((ushort)((n.Kind == NatKind.Src ? 1 : 0) | (n.Kind == NatKind.Dst ? 2 : 0) | (n.Persistent ? 4 : 0) | (n.HashMode ? 8 : 0) | (n.RandomMode ? 16 : 0)));
        bool hasMin = n.AddrMin != 0, hasMax = hasMin && n.AddrMax != n.AddrMin, hasPort = n.PortMin != 0, hasPorts = hasPort && n.PortMax != n.PortMin;
        w.U16((ushort)((hasMin ? n.Ipv6 ? 4 : 1 : 0) | (hasMax ? n.Ipv6 ? 8 : 2 : 0) | (hasPort ? 16 : 0) | (hasPorts ? 32 : 0)));
        if (hasMin) w.Number(n.AddrMin, n.Ipv6 ? 16 : 4);
        if (hasMax) w.Number(n.AddrMax, n.Ipv6 ? 16 : 4);
        if (hasPort) w.U16(n.PortMin);
        if (hasPorts) w.U16(n.PortMax);
    });
}
