using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PatchRxQueue
{
    /// <summary>The same as the other; broken ones raise the count before they have written the record, or set the latch before they raise the count.</summary>
    public bool TrySend(ReadOnlySpan<byte> frame, bool publishesFirst = false, bool wakesFirst = false)
    {
        VirtioNetHeader header = default;
        fixed (byte* bytes = frame)
        {
            if (!publishesFirst && !wakesFirst) return TrySend(&header, bytes, frame.Length);
            if (!TryReserve(frame.Length, out int at, out long written)) return false;
            if (publishesFirst) Publish(written);
            Fill(at, &header, bytes, frame.Length);
            if (publishesFirst) return true;
            OwnWritten = written;
            Latch?.Set();
            Interleaving.Store(ref Written, written, "W4 written");
            return true;
        }
    }

    /// <summary>Receives up to two packets and hands over their frames; returns how many. A broken one gives the room back before it has copied.</summary>
    public int Drain(PacketPool pool, Action<byte[]> each, bool releasesFirst = false)
    {
        if (releasesFirst)
        {
            long taken = OwnTaken;
            Interleaving.Step("R1 written");
            if (taken == Volatile.Read(ref Written)) return 0;
            byte* record = RecordAt(ref taken);
            int length = *(int*)record;
            Release(taken + SizeOf(length));
            Interleaving.Step("R4 copy");
            each(new ReadOnlySpan<byte>(record + HeadBytes, length).ToArray());
            return 1;
        }

        Packet** batch = stackalloc Packet*[2];
        int count = Receive(pool, batch, 2);
        for (int i = 0; i < count; i++)
        {
            each(new ReadOnlySpan<byte>(batch[i]->Data, batch[i]->LengthBytes).ToArray());
            pool.Return(batch[i]);
        }

        return count;
    }
}
