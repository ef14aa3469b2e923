namespace Mergeflow.Nic;


/// <summary>Which code searches the wildcard table; the answers are the same.</summary>
public enum NicKernel : byte
{
    /// <summary>Vector256 where the machine has it.</summary>
    Auto,
    Scalar,
    Vector256,
}
