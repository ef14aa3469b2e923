namespace Mergeflow.Control.OpenFlow;

/// <content>Actions of Nicira.</content>
internal static partial class ActionWriter
{
    private static void WriteNicira(OfWriter w, OfAction action)
    {
        switch (action)
        {
            case OfResubmit { InPort: { } port, Table: null, WithCtTuple: false }:
                Nicira(w, 1, port, static (w, port) => w.U16((ushort)port));
                break;
            case OfResubmit a:
                Nicira(w, a.WithCtTuple ? (ushort)44 : (ushort)14, a, static (w, a) =>
                {
                    w.U16((ushort)(a.InPort ?? (uint)OfReservedPort.InPort));
                    w.U8(a.Table ?? 255);
                });
                break;
            case OfSetTunnel { Wide: false } a:
                Nicira(w, 2, a, static (w, a) =>
                {
                    w.Zeros(2);
                    w.U32((uint)a.TunnelId);
                });
                break;
            case OfSetTunnel a:
                Nicira(w, 9, a, static (w, a) =>
                {
                    w.Zeros(6);
                    w.U64(a.TunnelId);
                });
                break;
            case OfPopQueue:
                Nicira(w, 5);
                break;
            case OfExit:
                Nicira(w, 17);
                break;
            case OfDebugSlow:
                Nicira(w, 254);
                break;
            case OfDebugRecirc:
                Nicira(w, 255);
                break;
            case OfEncap a:
                Nicira(w, 46, a, static (w, a) =>
                {
                    w.U16(a.HeaderSizeBytes);
                    w.U32(a.PacketType);
                });
                break;
            case OfDecap a:
                Nicira(w, 47, a, static (w, a) =>
                {
                    w.Zeros(2);
                    w.U32(a.NextType);
                });
                break;
            case OfCtClear:
                Nicira(w, 43);
                break;
            case OfMove a:
                Nicira(w, 6, a, static (w, a) =>
                {
                    w.U16((ushort)a.Destination.BitCount);
                    w.U16((ushort)a.Source.Start);
                    w.U16((ushort)a.Destination.Start);
                    PutHeader(w, a.Source.Field, 0);
                    PutHeader(w, a.Destination.Field, 0);
                });
                break;
            case OfNote a:
                Nicira(w, 8, a, static (w, a) => w.Bytes(Bytes(a.Hex)));
                break;
            case OfStackPush a:
                Stack(w, 27, a.Source);
                break;
            case OfStackPop a:
                Stack(w, 28, a.Destination);
                break;
            case OfConjunction a:
                Nicira(w, 34, a, static (w, a) =>
                {
                    w.U8(a.Clause);
                    w.U8(a.ClauseCount);
                    w.U32(a.Id);
                });
                break;
            case OfFinTimeout a:
                Nicira(w, 19, a, static (w, a) =>
                {
                    w.U16(a.IdleTimeoutSeconds);
                    w.U16(a.HardTimeoutSeconds);
                });
                break;
            case OfCheckPktLarger a:
                Nicira(w, 49, a, static (w, a) =>
                {
                    int start = w.Length - 10;
                    w.U16(a.LengthBytes);
                    w.U16((ushort)a.Destination.Start);
                    PutHeader(w, a.Destination.Field, 0);
                    w.Zeros(24 - (w.Length - start));
                });
                break;
            case OfDeleteField a:
                Nicira(w, 50, a, static (w, a) =>
                {
                    PutHeader(w, a.Field, 0);
                    w.Zeros(10);
                });
                break;
            case OfWriteMetadata a:
                Nicira(w, 22, a, static (w, a) =>
                {
                    w.Zeros(6);
                    w.U64(a.Value);
                    w.U64(a.Mask);
                });
                break;
            case OfDecTtl { ControllerIds: { } ids }:
                Nicira(w, 21, ids, static (w, ids) =>
                {
                    w.U16((ushort)ids.Count);
                    w.Zeros(4);
                    foreach (ushort id in ids) w.U16(id);
                });
                break;
            case OfOutput a:
                OutputTruncated(w, a.Port, a.MaxLengthBytes);
                break;
            case OfOutputSpecial a:
                OutputTruncated(w, (uint)a.Port, a.MaxLengthBytes);
                break;
            default:
                WriteChoice(w, action);
                break;
        }
    }

    /// <summary>Pairs of digits with dots between them.</summary>
    internal static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(".", "", StringComparison.Ordinal));

    private static void Stack(OfWriter w, ushort subtype, Subfield range) => Nicira(w, subtype, range, static (w, range) =>
    {
        int start = w.Length - 10;
        w.U16((ushort)range.Start);
        PutHeader(w, range.Field, 0);
        w.U16((ushort)range.BitCount);
        w.Zeros(24 - (w.Length - start));
    });

    private static void OutputTruncated(OfWriter w, uint port, int maxLength) => Nicira(w, 39, (port, maxLength), static (w, o) =>
    {
        w.U16((ushort)o.port);
        w.U32((uint)o.maxLength);
    });
}
