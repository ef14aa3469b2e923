namespace Mergeflow.Engine.Text;

/// <summary>Text that Open vSwitch understands and this datapath does not implement; told apart from text that is wrong.</summary>
public sealed class UnsupportedFeatureException : FlowTextException
{
    public UnsupportedFeatureException(string message, int line = 1, int column = 1)
        : base(message, line, column)
    {
    }
}
