using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;

namespace Mergeflow.Engine.Ports;

/// <summary>The tc programs of ports.</summary>
internal static class TcPrograms
{
    /// <summary>Every frame goes out by another interface, as it is.</summary>
    public static BpfInstruction[] Redirect(int interfaceIndex)
    {
        BpfAssembler a = new();
        a.Mov(R1, interfaceIndex);
        a.Mov(R2, 0);
        a.Call(BpfHelper.Redirect);
        a.Exit();
        return a.Finish();
    }
}
