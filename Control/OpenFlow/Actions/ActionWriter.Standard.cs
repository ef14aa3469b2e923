namespace Mergeflow.Control.OpenFlow;

/// <content>Actions of the standard; Nicira's of the same meaning where OpenFlow 1.0 has none.</content>
internal static partial class ActionWriter
{
    private static bool WriteStandard(OfWriter w, OfAction action)
    {
        bool is10 = w.Version == OfVersion.V10;
        switch (action)
        {
            case OfOutput { MaxLengthBytes: 0 } a:
                Output(w, a.Port, 0);
                return true;
            case OfOutputSpecial { Port: OfReservedPort.Controller } a:
                Output(w, (uint)a.Port, (ushort)a.MaxLengthBytes);
                return true;
            case OfOutputSpecial { MaxLengthBytes: 0 } a:
                Output(w, (uint)a.Port, 0);
                return true;
            case OfPopVlan:
                Standard(w, is10 ? (ushort)3 : (ushort)18, 0, static (w, _) => w.Zeros(4));
                return true;
            case OfPushVlan a:
                // OpenFlow 1.0 pushes when a VLAN field is set.
                if (!is10) Number(w, 17, a.Tpid, 2);
                return true;
            case OfEnqueue a when !is10:
                // No such action any more: what does the same (OVS <c>encode_ENQUEUE</c>).
                Write(w, new OfSetQueue(a.QueueId));
                Write(w, new OfOutput(a.Port));
                Write(w, new OfPopQueue());
                return true;
            case OfEnqueue a:
                Standard(w, 11, a, static (w, a) =>
                {
                    w.U16((ushort)a.Port);
                    w.Zeros(6);
                    w.U32(a.QueueId);
                });
                return true;
            case OfMeter a when w.Version >= OfVersion.V15:
                Number(w, 29, a.MeterId, 4);
                return true;
            case OfMove a when w.Version >= OfVersion.V15:
                Standard(w, 28, a, static (w, a) =>
                {
                    w.U16((ushort)a.Destination.BitCount);
                    w.U16((ushort)a.Source.Start);
                    w.U16((ushort)a.Destination.Start);
                    w.Zeros(2);
                    PutHeader(w, a.Source.Field, w.Version);
                    PutHeader(w, a.Destination.Field, w.Version);
                });
                return true;
            default:
                return WriteNumbered(w, action, is10);
        }
    }

    private static bool WriteNumbered(OfWriter w, OfAction action, bool is10)
    {
        switch (action)
        {
            case OfPushMpls a:
                Either(w, 19, 23, a.EthType, 2);
                return true;
            case OfPopMpls a:
                Either(w, 20, 24, a.EthType, 2);
                return true;
            case OfSetMplsTtl a:
                Either(w, 15, 25, a.Ttl, 1);
                return true;
            case OfDecMplsTtl:
                Either(w, 16, 26, 0, 0);
                return true;
            case OfDecTtl { ControllerIds: null }:
                Either(w, 24, 18, 0, 0);
                return true;
            case OfSetQueue a:
                Either(w, 21, 4, a.QueueId, 4);
                return true;
            case OfGroup a:
                Either(w, 22, 40, a.GroupId, 4);
                return true;
            case OfGotoTable a when is10:
                WriteNicira(w, new OfResubmit(null, a.Table));
                return true;
            default:
                return false;
        }
    }

    /// <summary>An action with one number.</summary>
    internal static void Number(OfWriter w, ushort type, uint value, int byteCount)
        => Standard(w, type, (value, byteCount), static (w, n) =>
        {
            w.Number(n.value, n.byteCount);
            w.Zeros(4 - n.byteCount);
        });

    /// <summary>An action with one number: of the standard, or in OpenFlow 1.0 of Nicira.</summary>
    internal static void Either(OfWriter w, ushort type, ushort niciraType, uint value, int byteCount)
    {
        if (w.Version != OfVersion.V10)
        {
            Number(w, type, value, byteCount);
            return;
        }

        Nicira(w, niciraType, (value, byteCount), static (w, n) =>
        {
            if (n.byteCount == 4) w.Zeros(2);
            w.Number(n.value, n.byteCount);
        });
    }

    private static void Output(OfWriter w, uint port, ushort maxLength)
        => Standard(w, 0, (port, maxLength), static (w, o) =>
        {
            if (w.Version == OfVersion.V10) w.U16((ushort)o.port);
            else w.U32(OfPorts.Widen(o.port));
            w.U16(o.maxLength);
        });
}
