using System.Buffers.Binary;

namespace Mergeflow.Nic;


/// <summary>
/// Executes compiled actions on a frame in place. The frame lies in <c>buffer[Start .. Start + Length]</c>; pushes eat headroom in front of it.
/// All accesses are bounds-checked; header checks were made by the parser, and the compiler only lets actions through whose header the pattern guarantees.
/// </summary>
internal ref struct FrameEditor
{
    private readonly Span<byte> _buffer;
    private readonly NicHeaders _headers;
    private readonly NicChecksumKind _checksum;

    /// <summary>First label or network header, network header, transport header: from the frame's first byte.</summary>
    private int _labelOffset;
    private int _networkOffset;
    private int _transportOffset;

    public FrameEditor(Span<byte> buffer, int start, int length, scoped in NicParsed parsed)
    {
        _buffer = buffer;
        Start = start;
        Length = length;
        _headers = parsed.Headers;
        _checksum = parsed.Checksum;
        _labelOffset = parsed.NetworkOffset;
        _networkOffset = parsed.NetworkOffset;
        _transportOffset = parsed.TransportOffset;
    }

    /// <summary>A copy of <paramref name="other"/> in another buffer, at <paramref name="start"/>.</summary>
    public FrameEditor(Span<byte> buffer, int start, scoped in FrameEditor other)
    {
        other.Frame.CopyTo(buffer[start..]);
        _buffer = buffer;
        Start = start;
        Length = other.Length;
        _headers = other._headers;
        _checksum = other._checksum;
        _labelOffset = other._labelOffset;
        _networkOffset = other._networkOffset;
        _transportOffset = other._transportOffset;
    }

    /// <summary>Offset of the frame in its buffer.</summary>
    public int Start { get; private set; }

    /// <summary>Length of the frame in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The frame as it is now.</summary>
    public readonly Span<byte> Frame => _buffer.Slice(Start, Length);

    /// <summary>Executes an action that changes the frame.</summary>
    public void Apply(ref NicOp op)
    {
        Span<byte> frame = Frame;
        switch (op.Code)
        {
            case NicOpCode.SetEth:
                Merge(frame[..12], op.Value, op.Mask);
                break;
            case NicOpCode.SetIpv4:
                SetAddress(frame.Slice(_networkOffset + (int)op.Argument, 4), ref op, hasHeaderChecksum: true);
                break;
            case NicOpCode.SetIpv6:
                SetAddress(frame.Slice(_networkOffset + (int)op.Argument, 16), ref op, hasHeaderChecksum: false);
                break;
            case NicOpCode.SetPort:
                SetPort(frame.Slice(_transportOffset + (int)op.Argument, 2), ref op);
                break;
            case NicOpCode.SetTtl:
                SetTtl((byte)op.Argument);
                break;
            case NicOpCode.DecTtl:
                SetTtl((byte)(frame[_networkOffset + TtlOffset] - 1));
                break;
            case NicOpCode.SetTos:
                SetTos(op.Value[0], op.Mask[0]);
                break;
            case NicOpCode.PushVlan:
                Insert(12);
                _labelOffset += 4;
                BinaryPrimitives.WriteUInt16BigEndian(Frame[12..], (ushort)op.Argument);
                Frame.Slice(14, 2).Clear();
                break;
            case NicOpCode.PopVlan:
                Remove(12);
                _labelOffset -= 4;
                break;
            case NicOpCode.SetVlanTci:
                Merge(frame.Slice(14, 2), op.Value, op.Mask);
                break;
            case NicOpCode.PushMpls:
                SetEtherType((ushort)op.Argument);
                Insert(_labelOffset);
                op.Value[..4].CopyTo(Frame[_labelOffset..]);
                break;
            case NicOpCode.PopMpls:
                SetEtherType((ushort)op.Argument);
                Remove(_labelOffset);
                break;
            case NicOpCode.SetMpls:
                Merge(frame.Slice(_labelOffset, 4), op.Value, op.Mask);
                break;
        }
    }

    private readonly int TtlOffset => (_headers & NicHeaders.Ipv4) != 0 ? 8 : 7;

    /// <summary>Opens 4 bytes at <paramref name="at"/> by moving what is in front of them.</summary>
    private void Insert(int at)
    {
        Start -= 4;
        Length += 4;
        Frame.Slice(4, at).CopyTo(Frame);
        _networkOffset += 4;
        _transportOffset += 4;
    }

    private void Remove(int at)
    {
        Frame[..at].CopyTo(Frame[4..]);
        Start += 4;
        Length -= 4;
        _networkOffset -= 4;
        _transportOffset -= 4;
    }

    /// <summary>The type in front of the labels: behind the tags if there are any.</summary>
    private readonly void SetEtherType(ushort type)
    {
        bool isTagged = BinaryPrimitives.ReadUInt16BigEndian(Frame[12..]) is 0x8100 or 0x88a8;
        BinaryPrimitives.WriteUInt16BigEndian(Frame[(isTagged ? _labelOffset - 2 : 12)..], type);
    }

    private readonly void SetAddress(Span<byte> field, ref NicOp op, bool hasHeaderChecksum)
    {
        Span<byte> old = stackalloc byte[16];
        old = old[..field.Length];
        field.CopyTo(old);
        Merge(field, op.Value, op.Mask);
        if (field.SequenceEqual(old)) return;
        switch (_checksum)
        {
            case NicChecksumKind.Tcp:
                UpdateChecksum(_transportOffset + 16, old, field);
                break;
            case NicChecksumKind.Udp:
                UpdateUdpChecksum(old, field);
                break;
            case NicChecksumKind.Icmp6:
                UpdateChecksum(_transportOffset + 2, old, field);
                break;
        }
        if (hasHeaderChecksum) UpdateChecksum(_networkOffset + 10, old, field);
    }

    private readonly void SetPort(Span<byte> field, ref NicOp op)
    {
        Span<byte> old = stackalloc byte[2];
        field.CopyTo(old);
        Merge(field, op.Value, op.Mask);
        if (field.SequenceEqual(old)) return;
        if ((_headers & NicHeaders.Tcp) != 0) UpdateChecksum(_transportOffset + 16, old, field);
        else UpdateUdpChecksum(old, field);
    }

    private readonly void SetTtl(byte ttl)
    {
        ref byte field = ref Frame[_networkOffset + TtlOffset];
        byte old = field;
        if (old == ttl) return;
        field = ttl;
        if ((_headers & NicHeaders.Ipv4) != 0) UpdateHeaderChecksum((ushort)(old << 8), (ushort)(ttl << 8));
    }

    private readonly void SetTos(byte value, byte mask)
    {
        Span<byte> header = Frame[_networkOffset..];
        if ((_headers & NicHeaders.Ipv4) != 0)
        {
            byte old = header[1];
            byte tos = (byte)((old & ~mask) | value);
            if (old == tos) return;
            header[1] = tos;
            UpdateHeaderChecksum(old, tos);
            return;
        }
        uint word = BinaryPrimitives.ReadUInt32BigEndian(header);
        BinaryPrimitives.WriteUInt32BigEndian(header, (word & ~((uint)mask << 20)) | ((uint)value << 20));
    }

    private readonly void UpdateHeaderChecksum(ushort oldWord, ushort newWord)
    {
        Span<byte> field = Frame.Slice(_networkOffset + 10, 2);
        BinaryPrimitives.WriteUInt16BigEndian(field, NicChecksum.Update(BinaryPrimitives.ReadUInt16BigEndian(field), oldWord, newWord));
    }

    private readonly void UpdateChecksum(int offset, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes)
    {
        Span<byte> field = Frame.Slice(offset, 2);
        BinaryPrimitives.WriteUInt16BigEndian(field, NicChecksum.Update(BinaryPrimitives.ReadUInt16BigEndian(field), oldBytes, newBytes));
    }

    /// <summary>RFC 768: 0 means that there is none and stays so; a result of 0 is sent as 0xffff.</summary>
    private readonly void UpdateUdpChecksum(ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes)
    {
        Span<byte> field = Frame.Slice(_transportOffset + 6, 2);
        ushort checksum = BinaryPrimitives.ReadUInt16BigEndian(field);
        if (checksum == 0) return;
        checksum = NicChecksum.Update(checksum, oldBytes, newBytes);
        BinaryPrimitives.WriteUInt16BigEndian(field, checksum == 0 ? (ushort)0xffff : checksum);
    }

    private static void Merge(Span<byte> field, ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < field.Length; i++) field[i] = (byte)((field[i] & ~mask[i]) | value[i]);
    }
}
