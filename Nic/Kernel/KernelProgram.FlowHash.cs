using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>The hash of a flow, as software computes it: what goes into a UDP tunnel has its source port from it.</content>
internal sealed partial class KernelProgram
{
    /// <summary>R0: the flow's hash as software's DpHashFunction has it with key and basis 0; of the key as it came in, and what the rule has written. R8 slot.</summary>
    private void HashOfInner()
    {
        BpfLabel ipv6 = _a.NewLabel(), ports = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, KindAt);
        _a.Jump(BpfJump.AboveOrEqual, R1, KindIpv6, ipv6);

        // R3 and R4: addresses.
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.LoadFrom(BpfSize.Word, R3, R10, KeyAt + 36);
        _a.LoadFrom(BpfSize.Word, R4, R10, KeyAt + 40);
        If(KernelFlags.SetIpSrc, () => _a.LoadFrom(BpfSize.Word, R3, R8, L.Ipv4Src));
        If(KernelFlags.SetIpDst, () => _a.LoadFrom(BpfSize.Word, R4, R8, L.Ipv4Dst));
        _a.ToBigEndian(R3, 32);
        _a.ToBigEndian(R4, 32);
        _a.Jump(ports);
        _a.Place(ipv6);
        FoldAddress(KernelFlags.SetIpSrc, 64, L.Ipv6Src);
        _a.Mov(R4, R3);
        FoldAddress(KernelFlags.SetIpDst, 80, L.Ipv6Dst);
        _a.Mov(R0, R3);
        _a.Mov(R3, R4);
        _a.Mov(R4, R0);

        _a.Place(ports);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        AddPort(R3, KernelFlags.SetTpSrc, 44, L.TpSrc, 50);
        AddPort(R4, KernelFlags.SetTpDst, 46, L.TpDst, 51);
        Mix(R3);
        Mix(R4);
        _a.LoadImmediate(R2, 0x9E37_79B9_7F4A_7C15);
        _a.Alu(BpfAlu.Mul, R4, R2);
        _a.Alu(BpfAlu.Add, R3, R4);
        _a.LoadFrom(BpfSize.Byte, R2, R10, KeyAt + 32);
        _a.Alu(BpfAlu.Lsh, R2, 56);
        _a.Alu(BpfAlu.Xor, R3, R2);
        Mix(R3);
        _a.Mov(R0, R3);
        _a.Alu(BpfAlu.Rsh, R0, 32);
    }

    /// <summary>R3: the high half mixed, and the low one. R0 to R2 are lost.</summary>
    private void FoldAddress(KernelFlags flag, int keyAt, int slotAt)
    {
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.LoadFrom(BpfSize.Double, R3, R10, KeyAt + keyAt);
        _a.LoadFrom(BpfSize.Double, R0, R10, KeyAt + keyAt + 8);
        If(flag, () =>
        {
            _a.LoadFrom(BpfSize.Double, R3, R8, slotAt);
            _a.LoadFrom(BpfSize.Double, R0, R8, slotAt + 8);
        });
        _a.ToBigEndian(R3, 64);
        _a.ToBigEndian(R0, 64);
        Mix(R3);
        _a.Alu(BpfAlu.Xor, R3, R0);
    }

    /// <summary>R1 flags. A port, or the ICMP type or code; of a packet without either it is 0. R0 and R2 are lost.</summary>
    private void AddPort(BpfRegister address, KernelFlags flag, int keyAt, int slotAt, int icmpAt)
    {
        _a.LoadFrom(BpfSize.Half, R0, R10, KeyAt + keyAt);
        If(flag, () => _a.LoadFrom(BpfSize.Half, R0, R8, slotAt));
        _a.ToBigEndian(R0, 16);
        _a.LoadFrom(BpfSize.Byte, R2, R10, KeyAt + icmpAt);
        _a.Alu(BpfAlu.Or, R0, R2);
        _a.Alu(BpfAlu.Lsh, R0, 40);
        _a.Alu(BpfAlu.Xor, address, R0);
    }

    /// <summary>The finaliser of MurmurHash3. R2 is lost.</summary>
    private void Mix(BpfRegister x)
    {
        foreach (ulong multiplier in new[] { 0xff51_afd7_ed55_8ccdUL, 0xc4ce_b9fe_1a85_ec53 })
        {
            _a.Mov(R2, x);
            _a.Alu(BpfAlu.Rsh, R2, 33);
            _a.Alu(BpfAlu.Xor, x, R2);
            _a.LoadImmediate(R2, multiplier);
            _a.Alu(BpfAlu.Mul, x, R2);
        }

        _a.Mov(R2, x);
        _a.Alu(BpfAlu.Rsh, R2, 33);
        _a.Alu(BpfAlu.Xor, x, R2);
    }
}
