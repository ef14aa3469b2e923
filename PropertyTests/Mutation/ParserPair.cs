using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>All parsers on one frame whose end touches a guard page: the scalar and the vector kernel agree, the device's does not fault either.</summary>
internal sealed class ParserPair : IDisposable
{
    private readonly GuardedBlock _block = new(4096);
    private readonly PacketPool _pool = new(2, 2048);
    private readonly PacketRef _scalar;
    private readonly PacketRef _vector;

    public ParserPair() => (_scalar, _vector) = (_pool.RentRef([], 0), _pool.RentRef([], 0));

    /// <summary>Parses <paramref name="frame"/>, with <paramref name="tail"/> in the tailroom for one kernel and its complement for the other.</summary>
    public void Parse(byte[] frame, byte tail)
    {
        // The device has no tailroom: nothing may follow the frame.
        var nicKey = default(NicKey);
        _ = NicParser.Parse(_block.PlaceAtEnd(frame), 3, 2, verifyChecksums: true, ref nicKey, out _);

        Span<byte> region = _block.AtEnd(frame.Length + Packet.ReadableTailroomBytes);
        Span<byte> placed = region[..frame.Length];
        frame.CopyTo(placed);
        region[frame.Length..].Fill(tail);
        _scalar.PointAt(placed, 3);
        _scalar.Extract<MiniflowExtractor.ScalarKernel>();
        region[frame.Length..].Fill((byte)~tail);
        _vector.PointAt(placed, 3);
        _vector.Extract<MiniflowExtractor.Vector256Kernel>();
        FlowKey a = _scalar.WholeKey(), b = _vector.WholeKey();
        Assert.True(a.Bytes.SequenceEqual(b.Bytes), $"kernels differ on {Convert.ToHexStringLower(frame)}");
        Assert.True(
            (_scalar.Descriptor.L3Offset, _scalar.Descriptor.L4Offset, _scalar.Descriptor.L25Offset, _scalar.Descriptor.L2PadBytes)
            == (_vector.Descriptor.L3Offset, _vector.Descriptor.L4Offset, _vector.Descriptor.L25Offset, _vector.Descriptor.L2PadBytes),
            $"kernels differ in offsets on {Convert.ToHexStringLower(frame)}");
        _vector.VerifyChecksums();
    }

    public void Dispose()
    {
        _pool.Dispose();
        _block.Dispose();
    }
}
