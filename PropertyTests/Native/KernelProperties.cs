using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FsCheck.Xunit;
using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>Vector and instruction kernels give what their scalar twins give, with the input against an untouchable page.</summary>
public sealed class KernelProperties
{
    [SeededProperty(MaxTest = 2000, EndSize = 2000)]
    public bool Checksum_kernels_agree(byte[] bytes, uint seed)
    {
        using var block = new GuardedBlock(Math.Max(1, bytes.Length));
        ReadOnlySpan<byte> placed = block.PlaceAtEnd(bytes);
        uint scalar = InternetChecksum.SumScalar(placed, seed);
        uint vector = InternetChecksum.SumVector256(placed, seed);
        return InternetChecksum.Fold(scalar) == InternetChecksum.Fold(vector) && (scalar == 0) == (vector == 0);
    }

    [SeededProperty(MaxTest = 2000, EndSize = 400)]
    public bool Hash_rounds_agree(byte[] bytes, ulong basis)
    {
        if (!Aes.IsSupported) return KeyedHash.Hash(Lanes(bytes), basis) == KeyedHash.Hash<AesRoundSoftware>(Lanes(bytes), basis);
        byte[] lanes = Lanes(bytes);
        using var block = new GuardedBlock(lanes.Length);
        ReadOnlySpan<byte> placed = block.PlaceAtEnd(lanes);
        return KeyedHash.Hash<AesRoundNi>(placed, basis) == KeyedHash.Hash<AesRoundSoftware>(placed, basis);
    }

    /// <summary>Changing a field and updating the checksum equals summing the changed packet (RFC 1624), whatever the field held.</summary>
    [SeededProperty(MaxTest = 2000)]
    public bool Update_equals_recomputation(byte[] bytes, byte place, uint value)
    {
        byte[] packet = new byte[64];
        bytes.AsSpan(0, Math.Min(bytes.Length, 60)).CopyTo(packet.AsSpan(4));
        packet[3] = 1; // an all-zero packet has no valid checksum but 0xffff, where the two may differ in sign of zero
        ushort before = InternetChecksum.Compute(packet);
        int at = 4 + (2 * (place % 29));
        uint old = MemoryMarshal.Read<uint>(packet.AsSpan(at));
        MemoryMarshal.Write(packet.AsSpan(at), in value);
        return InternetChecksum.Recalc32(before, old, value) == InternetChecksum.Compute(packet);
    }

    [SeededProperty(MaxTest = 1000, EndSize = 300)]
    public bool Any_bytes_are_a_capture_or_a_refusal(byte[] bytes, byte start)
    {
        byte[][] starts = [[], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], [0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4], [10, 13, 13, 10, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0]];
        byte[] file = [.. starts[start % starts.Length], .. bytes];
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, file);
            using CaptureReader reader = CaptureFile.Open(path);
            long frames = 0;
            while (reader.TryRead(out CaptureFrame frame))
            {
                frames++;
                if (frame.OffsetBytes + 8 > file.Length) return false;
            }

            return frames == reader.FrameCount && (!reader.Truncated || reader.TruncatedAtOffsetBytes <= file.Length);
        }
        catch (CaptureFormatException refusal)
        {
            return refusal.OffsetBytes >= 0 && refusal.OffsetBytes <= file.Length && !refusal.Message.Contains('\n', StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] Lanes(byte[] bytes)
    {
        byte[] lanes = new byte[32 * Math.Max(1, bytes.Length / 32)];
        bytes.AsSpan(0, Math.Min(bytes.Length, lanes.Length)).CopyTo(lanes);
        return lanes;
    }
}
