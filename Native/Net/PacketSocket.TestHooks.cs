namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PacketSocket
{
    private const int LongestBytes = 65_600;

    /// <summary>One of <see cref="Receivers"/>, by itself.</summary>
    public static PacketSocket Receiver(int ifIndex, int bufferBytes) => Receivers(ifIndex, bufferBytes, 1)[0];

    /// <summary>Sends a frame, as it is; false = the system does not take it.</summary>
    public bool TrySend(ReadOnlySpan<byte> frame)
    {
        using MessageBatch batch = new();
        fixed (byte* bytes = frame)
        {
            batch.PartsOf(0)[1] = new IoVector { Base = bytes, LengthBytes = (nuint)frame.Length };
            batch.SetPartCount(0, 2);
            return Send(batch, 0, 1) == 1;
        }
    }

    /// <summary>Sends frames of one length that lie one behind the other, <see cref="MessageBatch.MaxCount"/> at most, by one call; how many the system has taken.</summary>
    public int TrySend(ReadOnlySpan<byte> frames, int frameBytes, MessageBatch batch)
    {
        int count = Math.Min(frames.Length / frameBytes, MessageBatch.MaxCount);
        fixed (byte* bytes = frames)
        {
            for (int i = 0; i < count; i++)
            {
                batch.PartsOf(i)[1] = new IoVector { Base = bytes + (i * frameBytes), LengthBytes = (nuint)frameBytes };
                batch.SetPartCount(i, 2);
            }

            return Math.Max(0, Send(batch, 0, count));
        }
    }

    /// <summary>Receives a frame, its tag where it was; null = there is none.</summary>
    public byte[]? TryReceive()
    {
        using MessageBatch batch = new();
        byte[] room = new byte[LongestBytes];
        fixed (byte* bytes = room)
        {
            batch.PartsOf(0)[1] = new IoVector { Base = bytes, LengthBytes = LongestBytes };
            batch.SetPartCount(0, 2);
            if (Receive(batch, 1) <= 0) return null;
        }

        byte[] frame = room[..(batch.LengthOf(0) - VirtioNetHeader.SizeBytes)];
        if (!batch.TryTagOf(0, out ushort tpid, out ushort tci)) return frame;
        return [.. frame[..12], (byte)(tpid >> 8), (byte)tpid, (byte)(tci >> 8), (byte)tci, .. frame[12..]];
    }
}
